/*
 * The calls that the generator makes: 40 operations of 8 services, 200 consumers of whom few make most of the calls, log-normal durations, 3 % errors.
 */

/** Numbers in [0, 1) that are the same in every run (mulberry32). */
export function randomFrom(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 0x100000000
  }
}

const nouns = ['books', 'orders', 'payments', 'customers', 'stock', 'reviews', 'shipments', 'invoices']
const shapes = [
  ['GET', '', 8],
  ['GET', '/:id', 40],
  ['POST', '', 15],
  ['PUT', '/:id', 25],
  ['GET', '/:id/history', 90],
]
/** Services with their operations; `median` is of the duration, in milliseconds. */
export const services = nouns.map((noun, index) => ({
  name: `${noun}-api`,
  operations: shapes.map(([method, rest, median]) => ({
    method,
    route: `/v1/${noun}${rest}`,
    median: median * (1 + index / 4),
  })),
}))

const plans = ['free', 'silver', 'gold']
const agents = ['okhttp/4.12.0', 'python-requests/2.32.3', 'axios/1.7.9', 'Go-http-client/2.0', 'curl/8.9.1', 'node']
export const consumers = Array.from({ length: 200 }, (_, i) => ({
  id: `customer-${String(i).padStart(3, '0')}`,
  name: `Customer ${i} Ltd`,
  plan: plans[i % 3],
  address: `10.${i % 7}.${i % 50}.${(i * 7) % 250}`,
  agent: agents[i % agents.length],
}))

/** Zipf: the share of the one at place i is as 1 / (i + 1). */
function ranked(random, count) {
  return Math.min(Math.floor((count + 1) ** random()) - 1, count - 1)
}

/** status and outcome, with their share of all calls */
const endings = [
  { status: 500, outcome: 'server_error', share: 0.008 },
  { status: 504, outcome: 'timeout', share: 0.002 },
  { status: 404, outcome: 'client_error', share: 0.012 },
  { status: 400, outcome: 'client_error', share: 0.008 },
]
const fine = { status: 200, outcome: 'ok' }

function endingOf(random) {
  let left = random()
  for (const ending of endings) {
    left -= ending.share
    if (left < 0) return ending
  }
  return fine
}

/** A call of a service. Ids in paths have six digits, which the generator changes from request to request. */
export function callOf(service, random) {
  const operation = service.operations[ranked(random, service.operations.length)]
  return {
    operation,
    consumer: consumers[ranked(random, consumers.length)],
    ...endingOf(random),
    path: operation.route.replace(':id', String(100_000 + Math.floor(random() * 900_000))),
    requestBytes: operation.method === 'GET' ? 0 : 200 + Math.floor(random() * 2000),
    responseBytes: 200 + Math.floor(random() * 6000),
  }
}

/** Durations in microseconds around a median of 1 ms: to be multiplied. */
export const durations = (() => {
  const random = randomFrom(11)
  return Float64Array.from({ length: 65_536 }, () => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    return 1000 * Math.exp(0.7 * normal)
  })
})()

/** A JSON document of about `size` bytes. */
export function documentOf(random, size) {
  const items = []
  const word = () => ['paper', 'novel', 'classic', 'blue', 'large', 'second', 'spare'][Math.floor(random() * 7)]
  for (let length = 0; length < size; length += 110) {
    items.push({
      id: Math.floor(random() * 1e6),
      title: `${word()} ${word()} ${word()}`,
      price: Math.floor(random() * 1e4) / 100,
      updated_at: new Date(1.79e12 + Math.floor(random() * 1e10)).toISOString(),
    })
  }
  return JSON.stringify({ items })
}
