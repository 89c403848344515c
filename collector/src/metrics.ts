import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { SpoolState } from './spool/spool.ts'
import type { SpoolBounds } from './web/health.ts'

/** The collector's own metrics, for Prometheus. No label takes a value that a sender chooses. */
export const registry = new Registry()
collectDefaultMetrics({ register: registry })
const registers = [registry]

export const metrics = {
  requests: new Counter({
    name: 'callsight_otlp_requests_total',
    help: 'OTLP requests by signal and HTTP status, 499 for a client that hung up before its request was in; gRPC statuses as the HTTP ones they stand for',
    labelNames: ['signal', 'status'] as const,
    registers,
  }),
  requestSeconds: new Histogram({
    name: 'callsight_otlp_request_seconds',
    help: 'Time from the whole request to its answer, by signal',
    labelNames: ['signal'] as const,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  }),
  receivingBytes: new Gauge({
    name: 'callsight_receiving_bytes',
    help: 'Bytes of memory held for OTLP requests that are still on their way in',
    registers,
  }),
  connectionsRefused: new Counter({
    name: 'callsight_connections_refused_total',
    help: 'Connections closed unheard because a listener had as many as it takes',
    labelNames: ['listener'] as const,
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
  overflowed: new Counter({
    name: 'callsight_overflowed_total',
    help: 'Calls stored as _OTHER, because their service has too many operations or consumers; quotas of upstreams not stored, because there are too many',
    labelNames: ['what'] as const,
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
  exactlyOnce: new Gauge({
    name: 'callsight_exactly_once',
    help: '1 when the self-test at the start proved that a repeated insert counts once',
    registers,
  }),
}

/** A decode thread: a worker of node:worker_threads. */
interface Thread {
  performance: { eventLoopUtilization(): { active: number } }
}

interface Watched {
  spool: () => SpoolState
  bounds: SpoolBounds
  threads: () => readonly Thread[]
}

let watched: Watched | undefined

/** From now on the metrics of the spool and of the decode threads are those of this collector. */
export function watch(parts: Watched | undefined): void {
  watched = parts
}

/** A gauge whose value is asked for at each scrape. */
function asked(name: string, help: string, value: (parts: Watched) => number): Gauge {
  return new Gauge({
    name,
    help,
    registers,
    collect() {
      this.reset()
      if (watched !== undefined) this.set(value(watched))
    },
  })
}

asked(
  'callsight_spool_oldest_seconds',
  'Lag: age of the oldest row that is not in ClickHouse yet',
  ({ spool }) => spool().oldestMs / 1000,
)
asked('callsight_spool_limit_seconds', 'Age at which the spool stops taking', ({ bounds }) => bounds.ageMs / 1000)
asked('callsight_spool_bytes', 'Bytes that wait for ClickHouse on the disk', ({ spool }) => spool().bytes)
asked('callsight_spool_limit_bytes', 'Bytes at which the spool stops taking', ({ bounds }) => bounds.bytes)
asked('callsight_spool_segments', 'Segments that wait for ClickHouse', ({ spool }) => spool().segments)
asked('callsight_spool_rows', 'Rows that wait for ClickHouse', ({ spool }) => spool().rows)
asked('callsight_spool_writable', '0 when the disk did not take the last write', ({ spool }) =>
  Number(spool().writable),
)
asked(
  'callsight_spool_dead_letters',
  'Files of rows that ClickHouse refused for good',
  ({ spool }) => spool().deadLetters,
)

new Counter({
  name: 'callsight_decode_busy_seconds_total',
  help: 'Time that a decode thread was busy: decoding, or waiting for the disk',
  labelNames: ['thread'],
  registers,
  collect() {
    this.reset()
    for (const [thread, { performance }] of (watched?.threads() ?? []).entries()) {
      this.inc({ thread }, performance.eventLoopUtilization().active / 1000)
    }
  },
})
