import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

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
  withheld: new Counter({
    name: 'callsight_withheld_total',
    help: 'Headers, queries and bodies not stored, because no agent of ours masked them or because they are no text',
    labelNames: ['what'] as const,
    registers,
  }),
  queuedRows: new Gauge({ name: 'callsight_queued_rows', help: 'Rows waiting for ClickHouse', registers }),
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
