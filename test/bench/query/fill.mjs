import { openStore } from '../../../collector/dist/store/store.js'
import { Collector } from '../ingest/collector.mjs'

/*
 * Fills a store with calls that the engine itself makes, so that its views do their work as in life: two weeks of 40 operations of 8 services and 200
 * consumers, few of whom make most of the calls, with a rhythm of day and night.
 */

const DAYS = 14
/** Rows of one insert: what the collector takes for a block at most. */
const BLOCK = 1_000_000
/** More traffic by day than by night, by hour of UTC. */
const rhythm = Array.from({ length: 24 }, (_, hour) => 1 - 0.7 * Math.cos(((hour - 2) / 24) * 2 * Math.PI))

/** `{ calls, seconds, newest }`: as many of `wanted` as the time allows; `newest` in epoch milliseconds. */
export async function fill(folder, { wanted, minutes, say }) {
  // Its tables are made by a collector, as in life.
  const collector = await Collector.start({ data: folder })
  await collector.stop()
  const store = await openStore(`embedded:${folder}`)
  try {
    const [{ calls: before, newest }] = await store.query(
      'SELECT count() AS calls, toUnixTimestamp64Milli(max(ts)) AS newest FROM calls',
    )
    if (Number(before) > 0) return { calls: Number(before), seconds: 0, newest: Number(newest) }
    const end = Math.floor(Date.now() / 60_000) * 60_000
    const began = performance.now()
    const spent = () => (performance.now() - began) / 60_000
    const types = await typesOf(store)
    const blocks = Math.ceil(wanted / BLOCK)
    const edges = edgesOf(end - DAYS * 86_400_000, end, blocks)
    let calls = 0
    // From the newest back: what the time does not allow for is missing at the far end, and the density stays.
    for (let i = blocks - 1; i >= 0 && spent() < minutes; i--) {
      const rows = Math.min(BLOCK, wanted - calls)
      await store.command(callsSql({ from: edges[i], to: edges[i + 1], rows, seed: i, types }))
      calls += rows
      if (i % 5 === 0) say(`${calls / 1e6} million calls after ${spent().toFixed(1)} minutes`)
    }
    const seconds = (performance.now() - began) / 1000
    for (const sql of others(end)) await store.command(sql)
    await merged(store, say)
    return { calls, seconds, newest: end }
  } finally {
    await store.close()
  }
}

/** Begin and end of each block, so that each holds as much of the rhythm. */
function edgesOf(from, to, blocks) {
  const step = 3_600_000
  const weights = []
  for (let at = from; at < to; at += step) weights.push(rhythm[new Date(at).getUTCHours()])
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const edges = [from]
  let passed = 0
  weights.forEach((weight, hour) => {
    while (edges.length < blocks && passed + weight >= (total * edges.length) / blocks) {
      edges.push(Math.round(from + (hour + ((total * edges.length) / blocks - passed) / weight) * step))
    }
    passed += weight
  })
  return [...edges, to]
}

async function typesOf(store) {
  const rows = await store.query(
    "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = 'calls'",
  )
  return new Map(rows.map(({ name, type }) => [name, type]))
}

/** Random bytes as the column has them: as hexadecimal text, or as they are. */
function id(type, words) {
  const bytes = Array.from({ length: words }, (_, i) => `reinterpretAsFixedString(rand64(${words * 10 + i}))`)
  const all = words === 1 ? bytes[0] : `concat(${bytes.join(', ')})`
  return type === 'String' ? `lower(hex(${all}))` : `CAST(${all}, '${type}')`
}

/** A random number in [0, 1). */
const random = (seed) => `(rand(${seed}) / 4294967296)`
/** Zipf: 0 to count - 1, the share of the one at place i is as 1 / (i + 1). */
const ranked = (seed, count) => `least(toUInt32(floor(pow(${count + 1}, ${random(seed)}))) - 1, ${count - 1})`

function callsSql({ from, to, rows, seed, types }) {
  const columns = {
    ts: `fromUnixTimestamp64Micro(toInt64(${from * 1000} + ${random(1)} * ${(to - from) * 1000}))`,
    direction: `'in'`,
    env: `'prod'`,
    service: `concat(noun, '-api')`,
    version: `'1.4.2'`,
    instance: `concat(noun, '-api-', toString(rand(2) % 3))`,
    consumer: `concat('customer-', leftPad(toString(c), 3, '0'))`,
    consumer_source: `'application'`,
    plan: `['free', 'silver', 'gold'][c % 3 + 1]`,
    style: `'rest'`,
    operation: `concat(method, ' ', route)`,
    operation_source: `'framework'`,
    method: `['GET', 'GET', 'POST', 'PUT', 'GET'][o + 1]`,
    route: `concat('/v1/', noun, ['', '/:id', '', '/:id', '/:id/history'][o + 1])`,
    path: `replaceOne(route, ':id', toString(100000 + rand(3) % 900000))`,
    status: `multiIf(e < 0.008, 500, e < 0.01, 504, e < 0.022, 404, e < 0.03, 400, method = 'POST', 201, 200)`,
    outcome: `multiIf(e < 0.008, 'server_error', e < 0.01, 'timeout', e < 0.03, 'client_error', 'ok')`,
    duration_us: `toUInt64(ceil([8, 40, 15, 25, 90][o + 1] * 1000 * (1 + s / 4) * exp(0.7 * randNormal(0, 1, 4))))`,
    ttfb_us: 'toUInt64(duration_us * 0.9)',
    request_bytes: `if(method = 'GET', 0, 200 + rand(5) % 2000)`,
    response_bytes: '200 + rand(6) % 6000',
    client_address: `concat('10.', toString(c % 7), '.', toString(c % 50), '.', toString(c * 7 % 250))`,
    user_agent: `['okhttp/4.12.0', 'python-requests/2.32.3', 'axios/1.7.9', 'Go-http-client/2.0', 'curl/8.9.1'][c % 5 + 1]`,
    trace_id: id(types.get('trace_id'), 2),
    span_id: id(types.get('span_id'), 1),
  }
  const names = Object.keys(columns).filter((name) => types.has(name))
  const made = names.map((name) => `${columns[name]} AS ${name}`)
  return `INSERT INTO calls (${names.join(', ')})
    WITH
      ${ranked(7, 200)} AS c,
      rand(8) % 8 AS s,
      ${ranked(9, 5)} AS o,
      ${random(10)} AS e,
      ['books', 'orders', 'payments', 'customers', 'stock', 'reviews', 'shipments', 'invoices'][s + 1] AS noun
    SELECT ${made.join(', ')}
    FROM numbers(${seed * BLOCK}, ${rows})
    SETTINGS async_insert = 0, insert_deduplication_token = 'bench-${seed}', parallel_view_processing = 1, max_insert_threads = 1, max_threads = 2,
      max_block_size = ${BLOCK}, min_insert_block_size_rows = ${BLOCK}, max_insert_block_size = ${BLOCK},
      deduplicate_blocks_in_dependent_materialized_views = 1`
}

/** Names of consumers, what agents tell of themselves every ten seconds, and what the judge found every minute. */
function others(end) {
  const seconds = Math.floor(end / 1000)
  const back = (step) => `toDateTime64(${seconds} - intDiv(number, %) * ${step}, 3, 'UTC')`
  const minutes = DAYS * 1440
  const objectives = 100
  const consumers = 200
  return [
    `INSERT INTO consumers (consumer, name, plan, changed_at)
      SELECT concat('customer-', leftPad(toString(number), 3, '0')), concat('Customer ', toString(number), ' Ltd'),
      ['free', 'silver', 'gold'][number % 3 + 1], now64(3) FROM numbers(${consumers})`,
    `INSERT INTO agent_reports (ts, env, service, instance, version, started_at, seen, sent, dropped, payloads_kept, work_us, queue_bytes, open_calls)
      WITH number % 24 AS i, ${DAYS * 8640} - intDiv(number, 24) AS n,
        ['books', 'orders', 'payments', 'customers', 'stock', 'reviews', 'shipments', 'invoices'][i % 8 + 1] AS noun
      SELECT ${back(10).replace('%', '24')}, 'prod', concat(noun, '-api'), concat(noun, '-api-', toString(intDiv(i, 8))), '0.1.0',
        toDateTime64(${seconds - DAYS * 86_400}, 3, 'UTC'), n * 35, n * 35 - 5, map('queue_full', toUInt64(0)), n * 4, n * 900, 20000 + rand() % 10000, rand() % 20
      FROM numbers(${24 * DAYS * 8640})`,
    `INSERT INTO objective_states (ts, objective, service, operation, consumer, window, target, total, bad, attainment, budget_left, burn_rate_1h, burn_rate_5m)
      WITH number % ${objectives} AS o
      SELECT ${back(60).replace('%', objectives)}, concat('objective-', toString(o)), 'books-api', '', '', '30d', 0.999, 1000000, 500, 0.9995, 0.5, 0.4, 0.3
      FROM numbers(${objectives * minutes})`,
    `INSERT INTO quota_states (ts, quota, plan, consumer, per, period_start, period_end, used, allowed, used_ratio)
      WITH number % ${consumers} AS c
      SELECT ${back(60).replace('%', consumers)}, 'monthly', 'gold', concat('customer-', leftPad(toString(c), 3, '0')), 'month',
        toStartOfMonth(toDateTime(${seconds})), toStartOfMonth(toDateTime(${seconds})) + INTERVAL 1 MONTH, 1000 * c, 1000000, c / 1000
      FROM numbers(${consumers * minutes})`,
  ]
}

/** Waits, some minutes at most, until the engine has merged what it wants to: in life there is time for that. */
async function merged(store, say) {
  say('merging')
  const deadline = performance.now() + 180_000
  for (let quiet = 0; quiet < 3 && performance.now() < deadline; ) {
    const [{ busy }] = await store.query('SELECT count() AS busy FROM system.merges')
    quiet = Number(busy) === 0 ? quiet + 1 : 0
    await new Promise((wake) => setTimeout(wake, 500))
  }
}
