import type { FastifyInstance } from 'fastify'
import { grafanaProvisioning } from '../exchange/grafana/provisioning.ts'
import { prometheusRules } from '../exchange/prometheus.ts'
import type { Judge } from '../judge/judge.ts'

/** Objectives and alert rules in the forms of other tools. */
export function exchangeRoutes(judge: Judge): (server: FastifyInstance) => Promise<void> {
  return async (server) => {
    server.get('/api/v1/prometheus/rules', async () =>
      prometheusRules(
        judge.config.objectives,
        judge.rules().map(({ rule }) => rule),
      ),
    )

    server.get('/api/v1/grafana/provisioning', async () => {
      const { objectives, channels, grouping, externalUrl, store } = judge.config
      const rules = judge.rules().map(({ rule }) => rule)
      return grafanaProvisioning({ rules, objectives, channels, grouping, externalUrl, storeUrl: store.url })
    })
  }
}
