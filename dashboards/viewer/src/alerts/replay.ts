import { answerOf, Refused, send } from '../api.ts'
import type { Rule } from './draft.ts'

/** What came of a rule that was replayed over the past. Figures are in `unit`; times are RFC 3339. */
export interface Replayed {
  rule: string
  when: string
  unit: string
  from: string
  to: string
  step_ms: number
  fired: number
  firing_ms: number
  firings: Firing[]
  series: { at: string; value: number | null; calls: number; sets: number; held: number }[]
}

export interface Firing {
  labels: Record<string, string>
  since: string
  fired: string
  resolved: string | null
  summary: string
  calls_url: string
}

const busyMs = 700
/** A preview follows what is typed: the past is looked at less often than by the command, where the window allows it. */
const moments = 400

/**
 * Replays a rule, or the rule of a name, over the last `spanMs`.
 *
 * @param progress is told the share that is done
 * @throws Refused with what is wrong with the rule, TokenNeeded, and what `stop` is aborted with
 */
export async function replay(
  rule: Rule | string,
  spanMs: number,
  progress: (share: number) => void,
  stop: AbortSignal,
): Promise<Replayed> {
  const to = Date.now()
  const response = await whenFree(rule, { from: to - spanMs, to }, stop)
  let rest = ''
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    const lines = (rest + read.value).split('\n')
    rest = lines.pop()!
    for (const line of lines) {
      const told = JSON.parse(line) as { progress?: number; result?: Replayed; error?: string }
      if (told.progress !== undefined) progress(told.progress)
      if (told.error !== undefined) throw new Error(told.error)
      if (told.result !== undefined) return told.result
    }
  }
  throw new Error('the collector hung up before it was done')
}

/** The collector replays a few rules at a time; whoever comes then waits. */
async function whenFree(rule: Rule | string, range: { from: number; to: number }, stop: AbortSignal) {
  for (;;) {
    try {
      return await answerOf('/alerts/backtest', {
        ...send('POST', { rule, ...range, steps: moments }),
        signal: stop,
      })
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 503) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, busyMs))
    stop.throwIfAborted()
  }
}
