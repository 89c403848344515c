import type { GoodRule, Outcome } from '../config/config.ts'
import type { Row } from '../store/store.ts'

/** What holds without a word: the server's faults count against it; who went away has no verdict. */
export const usualGood: GoodRule = Object.freeze({
  failed: Object.freeze(['server_error', 'timeout'] as const),
  failedStatuses: Object.freeze([]),
  goodStatuses: Object.freeze([]),
  notCounted: Object.freeze(['aborted'] as const),
  notCountedStatuses: Object.freeze([]),
})

/**
 * SQL conditions on a row of `calls`, `calls_1m` or `calls_15m`: whether it is counted, and whether it failed. A counted
 * call that did not fail is good when it was also fast enough, which is the caller's to add.
 *
 * @param suffix of the parameters' names, for several rules in one statement
 */
export function goodSql(rule: GoodRule, suffix = ''): { counted: string; failed: string; params: Row } {
  const params: Row = {}
  const status = (name: string, statuses: readonly number[]) => {
    if (statuses.length === 0) return undefined
    params[name + suffix] = statuses
    return `has({${name + suffix}:Array(UInt16)}, status)`
  }
  const failedStatus = status('failed_status', rule.failedStatuses)
  const goodStatus = status('good_status', rule.goodStatuses)
  const otherStatus = status('other_status', rule.notCountedStatuses)
  const failedOutcome = outcomeIn(rule.failed)
  const byOutcome = goodStatus === undefined ? failedOutcome : `(${failedOutcome} AND NOT ${goodStatus})`
  const named = [failedStatus, goodStatus].filter((one) => one !== undefined)
  const counted = [
    ...(otherStatus === undefined ? [] : [`NOT ${otherStatus}`]),
    ...(rule.notCounted.length === 0 ? [] : [[`NOT ${outcomeIn(rule.notCounted)}`, ...named].join(' OR ')]),
  ]
  return {
    counted: counted.length === 0 ? '1' : counted.map((one) => `(${one})`).join(' AND '),
    failed: failedStatus === undefined ? byOutcome : `(${failedStatus} OR ${byOutcome})`,
    params,
  }
}

/** Outcomes are words of ours: nothing that a user or a sender wrote stands in the statement. */
function outcomeIn(outcomes: readonly Outcome[]): string {
  return outcomes.length === 0 ? '0' : `outcome IN (${outcomes.map((outcome) => `'${outcome}'`).join(', ')})`
}
