import { badCallsQuestion, firstCallQuestion, type SliceQuestion, slicesQuestion } from '../../aggregate/slices.ts'
import type { Config, Objective } from '../../config/config.ts'
import { limits } from '../../limits.ts'
import type { Row, Store } from '../../store/store.ts'
import { thresholds } from '../../store/thresholds.ts'
import type { Period } from '../calendar.ts'
import { contractOf } from './contract.ts'
import { excludedTime } from './exclusion.ts'
import { type Cell, measure } from './formula.ts'
import { sourcesOf } from './source.ts'
import { listed, type StatementDocument, sampleKey, statementOf } from './statement.ts'

/** Asks the store: as the judge, or bounded as a page. */
export type Ask = (sql: string, params: Row) => Promise<Row[]>

/** Whose month under which promise. */
export interface Subject {
  readonly objective: Objective
  readonly consumer: string
  readonly month: string
  readonly timeZone: string
  readonly period: Period
}

/** A statement that cannot be made; `status` as of HTTP. */
export class NoStatement extends Error {
  readonly status: 400 | 404 | 409

  constructor(status: 400 | 404 | 409, message: string) {
    super(message)
    this.status = status
  }
}

const HOUR = 3600_000

/**
 * Counts a month and writes its statement.
 *
 * @param nowMs what is judged ends a little before, at the end of a slice where slices are compared
 * @throws NoStatement when the store cannot count this month exactly (any more)
 */
export async function reckon(
  parts: { store: Store; ask: Ask; config: Config; nowMs: number },
  subject: Subject,
): Promise<StatementDocument> {
  const { store, ask, config, nowMs } = parts
  const { objective, period } = subject
  const contract = contractOf(objective)
  const anchorMs = contract.formula === 'google' ? Math.floor(period.startMs / HOUR) * HOUR : period.startMs
  const step = contract.formula === 'aws' || contract.formula === 'twilio' ? contract.sliceMs : 60_000
  const passedMs = period.startMs + Math.floor((nowMs - limits.lagMs - period.startMs) / step) * step
  const judged = { startMs: period.startMs, endMs: Math.max(period.startMs, Math.min(period.endMs, passedMs)) }
  const first = firstCallQuestion(judged.endMs)
  const [began] = await ask(first.sql, first.params)
  if (began === undefined) {
    const until = `${new Date(judged.endMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`
    throw new NoStatement(409, `nothing is known of ${subject.month}: the store has no call from before ${until}`)
  }
  const excluded = excludedTime(objective.exclude, judged)
  const counted = objective.latencyBelowUs === undefined ? undefined : await thresholds(store)
  const sources = sourcesOf(
    {
      period: judged,
      sliceMs: contract.sliceMs,
      excluded,
      latencyUs: objective.latencyBelowUs,
      countedFromMs: counted?.get(objective.latencyBelowUs!),
    },
    config.retention,
    nowMs,
  )
  if (typeof sources === 'string') {
    throw new NoStatement(
      409,
      `${subject.month} of ${subject.consumer} cannot be counted for ${objective.name}: ${sources}`,
    )
  }
  const about: SliceQuestion = {
    objective,
    consumer: subject.consumer,
    anchorMs,
    sliceMs: contract.sliceMs,
    byOperation: contract.formula === 'google',
    excluded,
  }
  const cells: Cell[] = []
  for (const range of sources) {
    const { sql, params } = slicesQuestion(about, range)
    const rows = await ask(sql, params)
    if (rows.length > limits.slaCells) {
      const what = `more than ${limits.slaCells} slices by operation in ${subject.month}`
      throw new NoStatement(409, `${objective.name} has ${what}: name one operation in the objective`)
    }
    cells.push(...rows.map(cellOf))
  }
  const found = measure(cells, { contract, target: objective.target, period: judged, excluded })
  const starts = [...new Set(listed(found.bad).flatMap((slice) => slice.cells))].sort((a, b) => a - b)
  const samples = new Map<string, string[]>()
  if (starts.length > 0) {
    const { sql, params } = badCallsQuestion(about, starts, { fromMs: judged.startMs, toMs: judged.endMs })
    for (const row of await ask(sql, params)) {
      const key = sampleKey(Number(row.slice) * 1000, String(row.operation_name))
      samples.set(key, [...(samples.get(key) ?? []), String(row.trace_id)])
    }
  }
  return statementOf({
    ...subject,
    contract,
    judgedUntilMs: judged.endMs,
    firstCallMs: Number(began.first) * 1000,
    final: nowMs >= period.endMs + limits.slaLatenessMs,
    cells,
    measure: found,
    samples,
  })
}

function cellOf(row: Row): Cell {
  return {
    startMs: Number(row.slice) * 1000,
    operation: String(row.operation_name),
    excluded: Number(row.excluded_time) === 1,
    total: Number(row.total),
    bad: Number(row.bad),
  }
}
