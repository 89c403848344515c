import { type Ask, type Counted, objectiveQuestion, sliceParts } from '../../aggregate/objective.ts'
import type { Row } from '../../store/store.ts'
import { slicesIn } from './layout.ts'
import { sourceOf } from './ledger.ts'
import type { ObjectiveStanding } from './standing.ts'

const QUARTER = 15 * 60_000

/** What another latency would have given; the truth lies in [low, high]. */
export interface Trial {
  readonly consumer: string
  readonly attainment: number | null
  readonly low: number | null
  readonly high: number | null
  /** Calls in the histogram's bucket that the latency lies in: as well good as bad. */
  readonly unsureCalls: number
}

/**
 * Judges one objective by another latency, over the windows of its standings, from histograms: a bucket is 4.4 % wide,
 * so durations are known to 2.2 %, and only calls within the bucket of the latency itself are in doubt.
 *
 * @param ask of the store, on the lane of pages
 */
export async function tryLatency(
  ask: (sql: string, params: Row) => Promise<Counted[]>,
  standings: readonly ObjectiveStanding[],
  latencyBelowUs: number,
): Promise<Trial[]> {
  const trials: Trial[] = []
  for (const startMs of new Set(standings.map(({ window }) => window.startMs))) {
    const some = standings.filter(({ window }) => window.startMs === startMs)
    const objective = { ...some[0]!.objective, latencyBelowUs }
    const endMs = Math.max(startMs, some[0]!.countedToMs)
    const widthMs = Math.max(1, Math.ceil((endMs - startMs) / QUARTER)) * QUARTER
    const source = sourceOf(objective, startMs, widthMs, { sinceMs: undefined, callsFromMs: Number.POSITIVE_INFINITY })
    const one: Ask = { objective, source, fromMs: startMs, toMs: endMs, blockMs: widthMs, phaseMs: startMs }
    const { sql, params } = objectiveQuestion([one, { ...one, doubt: 'bad' }, { ...one, doubt: 'good' }])
    const rows = await ask(sql, params)
    for (const { consumer } of some) {
      const of = (i: number) => {
        const row = rows.find(
          (row) => Number(row.ask) === i && (objective.per === undefined || row.consumer === consumer),
        )
        return attained(one, row)
      }
      const unsure = rows.find((row) => objective.per === undefined || row.consumer === consumer)?.unsure[0] ?? 0
      trials.push({ consumer, attainment: of(0), low: of(1), high: of(2), unsureCalls: unsure })
    }
  }
  return trials
}

function attained({ objective, fromMs, toMs }: Ask, row: Counted | undefined): number | null {
  const [calls = 0, bad = 0, slices = 0, parts = 0] = [row?.calls[0], row?.bad[0], row?.slices[0], row?.parts[0]]
  if (objective.method === 'occurrences') return calls === 0 ? null : (calls - bad) / calls
  const silent = Math.max(0, slicesIn(objective, fromMs, toMs) - slices)
  const total = slices + (objective.empty === 'ignore' ? 0 : silent)
  if (total === 0) return null
  return 1 - (parts / sliceParts + (objective.empty === 'bad' ? silent : 0)) / total
}
