import type { AlertEvent, Labels } from '../judge/alert/step.ts'

/** What one channel is told at once: one or more alerts of one group. Made once, stored, and the same in every attempt. */
export interface Notice {
  /** Also the `webhook-id`: a receiver that sees it twice has the same notice twice. */
  readonly id: string
  /** The same from the first firing to the resolution: for threads, keys that replace, messages that are updated. */
  readonly groupKey: string
  readonly groupLabels: Labels
  /** Firing while any of its alerts fires. */
  readonly status: 'firing' | 'resolved'
  readonly reason: 'firing' | 'changed' | 'repeat' | 'resolved' | 'flapping' | 'threshold' | 'test'
  /** Worst first. */
  readonly alerts: readonly NoticeAlert[]
  /** How many alerts of the group are left out. */
  readonly truncated: number
  /** Epoch milliseconds. */
  readonly createdMs: number
}

export interface NoticeAlert {
  readonly event: AlertEvent
  /** Epoch milliseconds. */
  readonly startsAtMs: number
  /** undefined while it fires. */
  readonly endsAtMs: number | undefined
  /** Absolute URLs. */
  readonly links: { readonly board: string; readonly calls: string }
  /** The consumers hurt, worst first, a few: calls, and how many of them failed or broke the rule's threshold. */
  readonly hurt: readonly { readonly consumer: string; readonly calls: number; readonly failed: number }[]
  /** How many in all. */
  readonly hurtConsumers: number
  /** `p95 was 120 ms in the same 5 minutes a week before`, or empty when nothing is known. */
  readonly compared: string
}
