import { limits } from '../../limits.ts'

/**
 * How fields say it: `ratelimit` as lists (draft-ietf-httpapi-ratelimit-headers from 08 on), `ratelimit-07` as one
 * dictionary, `ratelimit-03` in three fields; `x-ratelimit` in fields of anybody's own; `usage` as one number of another.
 * `none`: the answer says nothing of a quota, only that there was too much, or when to come back.
 */
export const dialects = ['none', 'ratelimit', 'ratelimit-07', 'ratelimit-03', 'x-ratelimit', 'usage'] as const
export type Dialect = (typeof dialects)[number]

/** One quota of ours at somebody else's server, as an answer tells of it. */
export interface Told {
  /** As the server calls it; empty where it has one only. */
  readonly policy: string
  /** What is counted, where that is said: `requests`, `tokens`, `content-bytes` … */
  readonly unit: string
  readonly allowed: number | undefined
  readonly remaining: number | undefined
  /** When it is whole again, epoch milliseconds. */
  readonly resetAtMs: number | undefined
  /** Length of its window, seconds. */
  readonly windowS: number | undefined
  readonly dialect: Dialect
}

/** A name as it is kept: bounded, and one line. */
export function policyText(text: string): string {
  return text.slice(0, limits.upstreamPolicyChars).replace(/[^\x20-\x7e]/g, '?')
}
