import type { AlertRule, Config, Objective } from '../../config/config.ts'
import { problemText } from '../../config/fault.ts'
import { readRule } from '../../config/read.ts'
import type { Store } from '../../store/store.ts'
import { timeText } from '../../store/time.ts'

/** A rule and where it lives. */
export interface PlacedRule {
  readonly rule: AlertRule
  /**
   * `file`: callsight.yaml; `api`: made by the API or the command line, kept in the store; `objective`: what an objective
   * with `notify` asks for.
   */
  readonly source: 'file' | 'api' | 'objective'
}

/** The rules kept in the store; one that this version cannot read is told to `faulty`. */
export async function storedRules(store: Store, faulty: (name: string, fault: string) => void): Promise<AlertRule[]> {
  const rows = await store.query<{ name: string; rule: string }>(
    'SELECT name, rule FROM alert_rules FINAL WHERE NOT removed ORDER BY name',
  )
  return rows.flatMap(({ name, rule: json }) => {
    // A rule outlives its channel: it is still judged, and its notices are recorded as given up.
    const { rule, problems } = readRule(JSON.parse(json), undefined)
    if (rule !== undefined) return [rule]
    faulty(name, problems.map(problemText).join('; '))
    return []
  })
}

/** Keeps a rule, or its removal. The newest row of a name counts. */
export async function storeRule(
  store: Store,
  name: string,
  rule: Readonly<Record<string, unknown>> | undefined,
  nowMs: number,
): Promise<void> {
  const row = { name, rule: JSON.stringify(rule ?? {}), removed: rule === undefined, changed_at: timeText(nowMs) }
  await store.insert('alert_rules', [row], `rule-${name}-${nowMs}`)
}

/** The rules of the file and of its objectives, then those of the store whose names the file does not use. */
export function placedRules(config: Config, stored: readonly AlertRule[]): PlacedRule[] {
  const implied = config.objectives.flatMap(burnRules)
  const names = new Set([...config.alerts, ...implied].map(({ name }) => name))
  return [
    ...config.alerts.map((rule): PlacedRule => ({ rule, source: 'file' })),
    ...implied.map((rule): PlacedRule => ({ rule, source: 'objective' })),
    ...stored.filter(({ name }) => !names.has(name)).map((rule): PlacedRule => ({ rule, source: 'api' })),
  ]
}

/**
 * The alerts of an objective that says whom to tell: one on its fast pairs of burn rates, of the severity it names, and
 * one on its slow ones, a ticket.
 */
export function burnRules({ name, service, operation, notify, severity }: Objective): AlertRule[] {
  if (notify.length === 0) return []
  return (['page', 'ticket'] as const).map((pairs) => {
    const written = { name: `${name} burn_rate ${pairs}`, when: 'burn_rate', objective: name, notify: [...notify] }
    const { rule } = readRule({ ...written, severity: pairs === 'page' ? severity : pairs }, undefined)
    // What it is about is the objective's: a rule of the file takes it from there, too.
    return { ...rule!, service, operation, pairs }
  })
}
