import { parseConfig } from '../../../collector/dist/config/read.js'
import { objectiveStandings } from '../../../collector/dist/judge/objective/standing.js'
import { Quotas } from '../../../collector/dist/judge/quota/quotas.js'
import { openStore } from '../../../collector/dist/store/store.js'

/** The routes of the filled store: every objective is about one of its operations. */
const operations = ['books', 'orders', 'payments', 'customers', 'stock', 'reviews', 'shipments', 'invoices'].flatMap(
  (noun) =>
    ['GET /v1/%', 'GET /v1/%/:id', 'POST /v1/%', 'PUT /v1/%/:id', 'GET /v1/%/:id/history'].map((operation) => ({
      service: `${noun}-api`,
      operation: operation.replace('%', noun),
    })),
)

/** Milliseconds of one judgement of everything, as the judge itself asks: what to milliseconds. */
export async function judging(folder, { objectives, at }) {
  const { config, faults } = parseConfig(configOf(objectives), 'bench.yaml', {})
  if (config === undefined) throw new Error(faults.map(({ what }) => what).join('\n'))
  const store = await openStore(`embedded:${folder}`)
  try {
    const timed = async (work) => {
      const began = performance.now()
      await work()
      return performance.now() - began
    }
    const failed = (error) => {
      throw error
    }
    const quotas = new Quotas({ store, tell: async () => {}, failed })
    const first = { ...config, objectives: config.objectives.slice(0, 1) }
    return {
      'the first objective, cold': await timed(() => objectiveStandings(store, first, at)),
      'the first objective, warm': await timed(() => objectiveStandings(store, first, at)),
      [`${objectives} objectives over 30 days`]: await timed(() => objectiveStandings(store, config, at)),
      'monthly quotas of 200 consumers, first': await timed(() => quotas.judge(config, at, at)),
      'monthly quotas of 200 consumers, then': await timed(() => quotas.judge(config, at + 5000, at + 5000)),
    }
  } finally {
    await store.close()
  }
}

/** Half of the objectives promise a latency too, a tenth to each consumer. */
function configOf(count) {
  const lines = Array.from({ length: count }, (_, i) => {
    const { service, operation } = operations[i % operations.length]
    const good = i % 2 === 0 ? ', good: { latency_below: 300ms }' : ''
    const per = i % 10 === 0 ? ', per: consumer' : ''
    return `  - { name: o${i}, service: ${service}, operation: "${operation}", target: 99.5%, window: 30d${good}${per} }`
  })
  return `plans:\n  gold: { quotas: [{ name: monthly, limit: 1000000, per: month }] }\nobjectives:\n${lines.join('\n')}\n`
}
