import type { Config, Quota } from '../../config/config.ts'

/** One quota of one consumer. */
export interface Allowance {
  readonly consumer: string
  /** Empty without one. */
  readonly plan: string
  readonly timeZone: string
  readonly quota: Quota
}

/**
 * Who may use how much: the configured consumers by their own calendar, and those whose calls name a plan that has
 * quotas by UTC. A consumer's own quota stands in the place of the one of its plan that has the same name.
 *
 * @param named the newest plan that the calls of a consumer name
 */
export function allowancesOf(config: Config, named: ReadonlyMap<string, string>): Allowance[] {
  const plans = new Map(config.plans.map(({ name, quotas }) => [name, quotas]))
  const configured = new Set<string>()
  const allowances: Allowance[] = []
  for (const { id, plan: given, quotas: own, timeZone } of config.consumers) {
    configured.add(id)
    const plan = given ?? named.get(id) ?? ''
    const replaced = new Set(own.map(({ name }) => name))
    const quotas = [...(plans.get(plan) ?? []).filter(({ name }) => !replaced.has(name)), ...own]
    for (const quota of quotas) allowances.push({ consumer: id, plan, timeZone, quota })
  }
  for (const [consumer, plan] of named) {
    if (configured.has(consumer)) continue
    for (const quota of plans.get(plan) ?? []) allowances.push({ consumer, plan, timeZone: 'UTC', quota })
  }
  return allowances
}
