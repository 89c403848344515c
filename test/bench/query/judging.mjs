import { parseConfig } from '../../../collector/dist/config/read.js'
import { ObjectiveBook } from '../../../collector/dist/judge/objective/book.js'
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

/** How often the judge looks. */
const TICK_MS = 5000

/**
 * Milliseconds of one judgement of everything, as the judge itself asks: what to milliseconds. Of objectives the first
 * judgement after a start, which counts all of their windows, then those that follow every five seconds: the median, its
 * CPU, and the slowest, which is the one a minute that counts today's and another day anew.
 */
export async function judging(folder, { objectives, at }) {
  const { config, faults } = parseConfig(configOf(objectives), 'bench.yaml', {})
  if (config === undefined) throw new Error(faults.map(({ what }) => what).join('\n'))
  const store = await openStore(`embedded:${folder}`)
  try {
    const timed = async (work) => {
      const before = process.cpuUsage()
      const began = performance.now()
      await work()
      const { user, system } = process.cpuUsage(before)
      return { ms: performance.now() - began, cpu: (user + system) / 1000 }
    }
    const failed = (error) => {
      throw error
    }
    const quotas = new Quotas({ store, tell: async () => {}, failed })
    const first = { ...config, objectives: config.objectives.slice(0, 1) }
    const cold = await timed(() => new ObjectiveBook(store).standings(first, at))
    const warm = await timed(() => new ObjectiveBook(store).standings(first, at))
    const book = new ObjectiveBook(store)
    const all = await timed(() => book.standings(config, at))
    const ticks = []
    for (let i = 1; i <= 26; i++) ticks.push(await timed(() => book.standings(config, at + i * TICK_MS)))
    const sorted = (of) => ticks.map((tick) => tick[of]).sort((a, b) => a - b)
    return {
      'the first objective, cold': cold.ms,
      'the first objective, warm': warm.ms,
      [`${objectives} objectives over 30 days, the first time`]: all.ms,
      '… CPU of it': all.cpu,
      '… every five seconds, median': sorted('ms')[13],
      '… CPU of it, median': sorted('cpu')[13],
      '… slowest of 26': sorted('ms').at(-1),
      '… CPU of it, most': sorted('cpu').at(-1),
      'monthly quotas of 200 consumers, the first time': (await timed(() => quotas.judge(config, at, at))).ms,
      '… five seconds later': (await timed(() => quotas.judge(config, at + TICK_MS, at + TICK_MS))).ms,
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
