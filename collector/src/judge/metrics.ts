import { Counter, Gauge, Histogram } from 'prom-client'
import { registry } from '../metrics.ts'

const registers = [registry]

export const judged = {
  seconds: new Histogram({
    name: 'callsight_judge_seconds',
    help: 'Time of one judgement of all alerts, of all objectives or of all quotas',
    labelNames: ['what'] as const,
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  }),
  failures: new Counter({
    name: 'callsight_judge_failures_total',
    help: 'Judgements that failed and are tried again, by what was judged',
    labelNames: ['what'] as const,
    registers,
  }),
  leftOut: new Gauge({
    name: 'callsight_objective_consumers_left_out',
    help: 'Consumers that objectives with `per: consumer` do not judge, as there are too many',
    registers,
  }),
  events: new Counter({
    name: 'callsight_alert_events_total',
    help: 'Changes of state of alerts',
    labelNames: ['state'] as const,
    registers,
  }),
}

// An alert rule on a judge that stands still needs the series from the start.
for (const what of ['alerts', 'objectives', 'quotas']) judged.seconds.zero({ what })
