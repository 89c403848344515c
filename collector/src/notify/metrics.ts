import { Counter, Gauge } from 'prom-client'
import { registry } from '../metrics.ts'

export const notices = new Counter({
  name: 'callsight_notices_total',
  help: 'Attempts to deliver a notice by result: delivered, failed (tried again), given_up',
  labelNames: ['result'] as const,
  registers: [registry],
})

export const waiting = new Gauge({
  name: 'callsight_notices_waiting',
  help: 'Notices on their way: not delivered yet, and not given up',
  registers: [registry],
})
