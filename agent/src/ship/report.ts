import type { Account } from '../account.ts'
import type { Health } from '../health.ts'
import { Bytes } from './bytes.ts'
import { POINT_ATTRIBUTE, writeAttribute, writeCount, writeFixed64, writeText } from './otlp.ts'

/** What an instance of the agent tells of itself: the account of all calls, and what it costs the process. */
export interface Report {
  account: Account
  health: Health
  /** Estimated time spent on the host's thread, microseconds since the start. */
  work: number
  queueBytes: number
  queueCalls: number
  openCalls: number
}

type Points = Iterable<readonly [attribute: string | undefined, value: number]>

/**
 * A report as an ExportMetricsServiceRequest: cumulative monotonic sums, and gauges for what goes up and down.
 * `started` and `now`: milliseconds of the epoch.
 */
export function encodeReport(resource: Buffer, scope: Buffer, report: Report, started: number, now: number): Buffer {
  const { account, health } = report
  const to = new Bytes(2048)
  const all = to.open(0x0a)
  to.raw(resource)
  const part = to.open(0x12)
  to.raw(scope)
  const write = (name: string, unit: string, kind: 'sum' | 'gauge', points: Points, key = 'reason') => {
    const metric = to.open(0x12)
    writeText(to, 0x0a, `callsight.agent.${name}`)
    writeText(to, 0x1a, unit)
    const data = to.open(kind === 'sum' ? 0x3a : 0x2a)
    for (const [attribute, value] of points) {
      const point = to.open(0x0a)
      writeFixed64(to, 0x11, BigInt(started) * 1_000_000n)
      writeFixed64(to, 0x19, BigInt(now) * 1_000_000n)
      writeFixed64(to, 0x31, BigInt(Math.round(value)))
      if (attribute !== undefined) writeAttribute(to, POINT_ATTRIBUTE, key, attribute)
      to.close(point)
    }
    if (kind === 'sum') {
      // Cumulative and monotonic.
      writeCount(to, 0x10, 2)
      writeCount(to, 0x18, 1)
    }
    to.close(data)
    to.close(metric)
  }
  const one = (value: number): Points => [[undefined, value]]
  write('seen', '{call}', 'sum', one(account.seen))
  write('sent', '{call}', 'sum', one(account.sent))
  if (account.dropped.size > 0) write('dropped', '{call}', 'sum', account.dropped)
  if (account.spansDropped > 0) write('spans_dropped', '{span}', 'sum', one(account.spansDropped))
  if (account.payloadsKept > 0) write('payloads_kept', '{call}', 'sum', one(account.payloadsKept))
  if (account.payloadsDropped.size > 0) write('payloads_dropped', '{call}', 'sum', account.payloadsDropped)
  if (health.faults.size > 0) write('faults', '{fault}', 'sum', health.faults, 'feature')
  if (health.disabled.size > 0) {
    write(
      'disabled',
      '1',
      'gauge',
      [...health.disabled].map((feature) => [feature, 1] as const),
      'feature',
    )
  }
  write('work_us', 'us', 'sum', one(report.work))
  write('queue_bytes', 'By', 'gauge', one(report.queueBytes))
  write('queue_calls', '{call}', 'gauge', one(report.queueCalls))
  write('open_calls', '{call}', 'gauge', one(report.openCalls))
  to.close(part)
  to.close(all)
  return to.copy()
}
