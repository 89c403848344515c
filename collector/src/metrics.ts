import { isMainThread } from 'node:worker_threads'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { SpoolState } from './spool/spool.ts'

/** The collector's own metrics, for Prometheus. No label takes a value that a sender chooses. */
export const registry = new Registry()
if (isMainThread) collectDefaultMetrics({ register: registry })
const registers = [registry]

export const metrics = {
  requests: new Counter({
    name: 'callsight_otlp_requests_total',
    help: 'OTLP requests by signal and HTTP status',
    labelNames: ['signal', 'status'] as const,
    registers,
  }),
  resent: new Counter({
    name: 'callsight_otlp_requests_resent_total',
    help: 'OTLP requests recognised as sent before and not counted again',
    registers,
  }),
  storedRows: new Counter({
    name: 'callsight_stored_rows_total',
    help: 'Rows stored by table',
    labelNames: ['table'] as const,
    registers,
  }),
  rejected: new Counter({
    name: 'callsight_rejected_total',
    help: 'Spans, points and records not stored, by cause',
    labelNames: ['cause'] as const,
    registers,
  }),
  withheld: new Counter({
    name: 'callsight_withheld_total',
    help: 'Headers, queries and bodies not stored, because no agent of ours masked them or because they are no text',
    labelNames: ['what'] as const,
    registers,
  }),
  queuedBytes: new Gauge({
    name: 'callsight_queued_bytes',
    help: 'Bytes of requests waiting for a decode thread',
    registers,
  }),
  threadsLost: new Counter({
    name: 'callsight_decode_threads_lost_total',
    help: 'Decode threads that died and were replaced',
    registers,
  }),
  deadRows: new Counter({
    name: 'callsight_dead_letter_rows_total',
    help: 'Rows ClickHouse refuses, set aside in the dead-letter folder, by table',
    labelNames: ['table'] as const,
    registers,
  }),
  insertSeconds: new Histogram({
    name: 'callsight_insert_seconds',
    help: 'Time of one insert by table',
    labelNames: ['table'] as const,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  }),
  insertFailures: new Counter({
    name: 'callsight_insert_failures_total',
    help: 'Attempts at an insert that failed and are repeated',
    registers,
  }),
}

/** Shows how full the spool is whenever somebody looks. */
export function watchSpool(state: () => SpoolState): void {
  const gauges: [name: string, help: string, read: (state: SpoolState) => number][] = [
    ['bytes', 'Bytes of the spool not inserted yet', ({ bytes }) => bytes],
    ['segments', 'Segments of the spool not inserted yet', ({ segments }) => segments],
    ['rows', 'Rows of the spool not inserted yet', ({ rows }) => rows],
    ['oldest_seconds', 'Age of the oldest rows not inserted yet', ({ oldestMs }) => oldestMs / 1000],
    ['dead_letters', 'Files of the dead-letter folder', ({ deadLetters }) => deadLetters],
    ['writable', '1 while the disk takes rows, else 0', ({ writable }) => Number(writable)],
  ]
  for (const [name, help, read] of gauges) {
    registry.removeSingleMetric(`callsight_spool_${name}`)
    new Gauge({
      name: `callsight_spool_${name}`,
      help,
      registers,
      collect() {
        this.set(read(state()))
      },
    })
  }
}

/** What was counted on one thread since it was last asked, to be added on the thread that shows the metrics. */
export type Counts = { name: keyof typeof metrics; labels: Record<string, string | number>; value: number }[]

/** Takes the counts of this thread away. */
export async function takeCounts(): Promise<Counts> {
  const counts: Counts = []
  for (const [name, metric] of Object.entries(metrics)) {
    if (!(metric instanceof Counter)) continue
    const { values } = await metric.get()
    const counted = values.filter(({ value }) => value > 0)
    if (counted.length > 0) metric.reset()
    for (const { labels, value } of counted) counts.push({ name: name as keyof typeof metrics, labels, value })
  }
  return counts
}

/** Adds what another thread counted. */
export function addCounts(counts: Counts): void {
  for (const { name, labels, value } of counts) (metrics[name] as Counter).inc(labels, value)
}
