import { Counter } from 'prom-client'
import { registry } from '../metrics.ts'

export const notices = new Counter({
  name: 'callsight_notices_total',
  help: 'Attempts to deliver a notice by result: delivered, failed (tried again), given_up',
  labelNames: ['result'] as const,
  registers: [registry],
})
