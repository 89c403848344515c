import { randomly } from '../random.ts'

/** Where a kill hits: a collector at work, one that is still starting, one that was just told to stop. */
export type Moment = 'at work' | 'starting' | 'stopping'
/** What happens to the connections: cut as they are, within a request, after it but before its answer, or held up. */
export type Cut = 'now' | 'in the request' | 'before the answer' | 'hanging'

/** One fault. All times are milliseconds; `wait` goes before it. */
export type Step =
  | { kind: 'kill'; wait: number; moment: Moment; after: number }
  | { kind: 'cut'; wait: number; how: Cut; hangs: number }
  | { kind: 'freeze'; wait: number; for: number }
  /** A view that throws for each row of the table, between two kills. */
  | { kind: 'view'; wait: number; on: 'calls' | 'calls_1m'; for: number }
  /** A full disk; `kill`: the collector is killed, and started again as long as the disk is full. */
  | { kind: 'disk'; wait: number; for: number; kill: boolean }

export type Kind = Step['kind']
export const kinds: readonly Kind[] = ['kill', 'cut', 'freeze', 'view', 'disk']

export interface PlanOptions {
  kills: number
  /** How long the collector is at work between the kills, all together. */
  seconds: number
  seed: number
  without: ReadonlySet<Kind>
}

/** The same faults for the same options. */
export function plan({ kills, seconds, seed, without }: PlanOptions): Step[] {
  const random = randomly(seed)
  const between = (least: number, most: number) => Math.round(least + random() * (most - least))
  const one = <T>(...choices: T[]): T => choices[Math.floor(random() * choices.length)]!
  /** A view and a disk fail about every 20 kills, and once at least. */
  const rare = Math.min(20, kills)
  const [viewAt, diskAt] = [between(0, rare - 1), between(0, rare - 1)]
  const steps: Step[] = []
  for (let kill = 0; kill < kills; kill++) {
    const slot: Step[] = []
    for (let cut = between(0, 3); cut > 0; cut--) {
      const how = one<Cut>('now', 'in the request', 'before the answer', 'hanging')
      slot.push({ kind: 'cut', wait: 0, how, hangs: between(500, 5000) })
    }
    // Now and then for longer than the ten seconds after which exporters hang up.
    if (random() < 0.2) slot.push({ kind: 'freeze', wait: 0, for: random() < 0.1 ? 11_000 : between(300, 3000) })
    if (kill % rare === viewAt)
      slot.push({ kind: 'view', wait: 0, on: one('calls', 'calls_1m'), for: between(3000, 7000) })
    if (kill % rare === diskAt) slot.push({ kind: 'disk', wait: 0, for: between(2000, 5000), kill: random() < 0.5 })
    const moment = one<Moment>('at work', 'at work', 'at work', 'starting', 'stopping')
    slot.push({ kind: 'kill', wait: 0, moment, after: moment === 'at work' ? 0 : between(0, 900) })
    for (const step of slot) {
      step.wait = between(0, ((2 * seconds) / kills / slot.length) * 1000)
      if (!without.has(step.kind)) steps.push(step)
    }
  }
  return steps
}
