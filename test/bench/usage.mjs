// How fast the use of a consumer is told, and what judging the quotas of many costs: `GET /api/v1/consumers/ID/usage` of a
// collector that knows them all. npm run bench -- usage [--consumers 1000] [--calls 2000000] [--requests 20000] [--connections 4] [--json]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openStore } from '../../collector/dist/store/store.js'
import { Collector, describeMachine } from './ingest/collector.mjs'

const { values } = parseArgs({
  options: {
    consumers: { type: 'string', default: '1000' },
    calls: { type: 'string', default: '2000000' },
    requests: { type: 'string', default: '20000' },
    connections: { type: 'string', default: '4' },
    json: { type: 'boolean', default: false },
  },
})
const [consumers, calls, requests, connections] = ['consumers', 'calls', 'requests', 'connections'].map((name) =>
  Number(values[name]),
)
/** How long the quotas are judged before and while they are asked for. */
const WATCH_MS = 60_000
const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Asia/Tokyo']
const say = (text) => process.stderr.write(`${text}\n`)

const folder = mkdtempSync(join(tmpdir(), 'callsight-bench-usage-'))
const data = join(folder, 'data')
const config = join(folder, 'callsight.yaml')
let collector
try {
  writeFileSync(config, configText())
  say(`filling in ${calls} calls of ${consumers} consumers over 28 days`)
  collector = await Collector.start({ data })
  await collector.stop()
  await fill()
  collector = await Collector.start({ data, config })
  const first = await judged(0)
  const cpu = collector.cpu().all
  await pause(WATCH_MS)
  const watched = await judged(first.count)
  const share = (collector.cpu().all - cpu) / (WATCH_MS / 1000)
  say(`asking ${requests} times`)
  const { usage, plain } = await ask()
  const report = {
    machine: describeMachine(folder),
    consumers,
    calls,
    requests,
    connections,
    first_judgement_s: first.seconds,
    judgement_s: (watched.seconds - first.seconds) / (watched.count - first.count),
    cpu_share: share,
    p50_ms: at(usage, 0.5),
    p99_ms: at(usage, 0.99),
    max_ms: at(usage, 1),
    healthz_p50_ms: at(plain, 0.5),
    healthz_p99_ms: at(plain, 0.99),
  }
  if (values.json) console.log(JSON.stringify(report, undefined, 2))
  else {
    console.log(`\n${report.machine}\n${consumers} consumers with two quotas each, ${calls} calls over 28 days\n`)
    console.log('| what | |\n|---|---|')
    console.log(`| usage of a consumer, p50 | ${report.p50_ms.toFixed(2)} ms |`)
    console.log(`| … p99 of ${requests}, ${connections} at a time | ${report.p99_ms.toFixed(2)} ms |`)
    console.log(`| … slowest | ${report.max_ms.toFixed(2)} ms |`)
    console.log(
      `| an answer that says nothing (/healthz) in turn, p50, p99 | ${report.healthz_p50_ms.toFixed(2)} ms, ${report.healthz_p99_ms.toFixed(2)} ms |`,
    )
    console.log(`| first judgement after a start, with forecasts | ${report.first_judgement_s.toFixed(2)} s |`)
    console.log(`| a judgement after that, mean of a minute | ${(report.judgement_s * 1000).toFixed(0)} ms |`)
    console.log(`| CPU of the collector meanwhile | ${(share * 100).toFixed(1)} % of a core |`)
  }
} finally {
  await collector?.stop()
  rmSync(folder, { recursive: true, force: true })
}

function configText() {
  const list = Array.from({ length: consumers }, (_, i) => {
    return `  - { id: consumer-${i}, plan: gold, time_zone: ${zones[i % zones.length]} }`
  })
  return `plans:\n  gold: { quotas: [{ name: monthly, limit: 1000000, per: month }, { name: burst, limit: 600, per: 1m }] }\nconsumers:\n${list.join('\n')}\n`
}

/** The engine makes the calls, so that its views do their work. */
async function fill() {
  const store = await openStore(`embedded:${data}`)
  try {
    const block = 500_000
    for (let done = 0; done < calls; done += block) {
      const rows = Math.min(block, calls - done)
      await store.command(`INSERT INTO calls (ts, direction, service, operation, consumer, outcome, duration_us)
SELECT now64(6) - toIntervalMicrosecond(toInt64(${done} + number) * ${Math.floor((28 * 86_400e6) / calls)}), 'in', 'shop',
  concat('GET /', toString(number % 20)), concat('consumer-', toString(rand() % ${consumers})), 'ok', 1000 + rand(1) % 100000
FROM numbers(${rows})`)
    }
  } finally {
    await store.close()
  }
}

/** Judgements of quotas so far, once there are more than so many. */
async function judged(moreThan) {
  for (;;) {
    const text = await (await fetch(`${collector.web}/metrics`)).text()
    const metric = (name) =>
      Number(new RegExp(`^callsight_judge_seconds_${name}\\{what="quotas"\\} (\\S+)$`, 'm').exec(text)?.[1] ?? 0)
    const count = metric('count')
    if (count > moreThan) return { count, seconds: metric('sum') }
    await pause(500)
  }
}

/** Milliseconds of each answer, sorted; by turns with one that costs nothing, to see what the machine adds. */
async function ask() {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const took = { usage: [], plain: [] }
  let next = 0
  const timed = async (kind, path) => {
    const began = performance.now()
    await answered(`${collector.web}${path}`, agent, kind === 'usage')
    took[kind].push(performance.now() - began)
  }
  const worker = async () => {
    while (next < requests) {
      await timed('usage', `/api/v1/consumers/consumer-${next++ % consumers}/usage`)
      await timed('plain', '/healthz')
    }
  }
  await Promise.all(Array.from({ length: connections }, worker))
  agent.destroy()
  for (const list of Object.values(took)) list.sort((a, b) => a - b)
  return took
}

function at(sorted, part) {
  return sorted[Math.min(Math.floor(part * sorted.length), sorted.length - 1)]
}

function answered(url, agent, limited) {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (response) => {
      if (response.statusCode !== 200 || (limited && response.headers.ratelimit === undefined)) {
        reject(new Error(`${url} answered ${response.statusCode}`))
      }
      response.resume().on('end', resolve).on('error', reject)
    }).on('error', reject)
  })
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
