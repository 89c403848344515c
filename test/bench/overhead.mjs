// What a monitor costs: added CPU time per request of an Express 5 API, server and load on different cores.
// npm run bench -- overhead [--starts 3] [--rounds 12] [--seconds 1.5]
import { fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import autocannon from 'autocannon'

const { values } = parseArgs({
  options: {
    starts: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '12' },
    seconds: { type: 'string', default: '1.5' },
    only: { type: 'string' },
  },
})
const starts = Number(values.starts)
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)
const file = (name) => fileURLToPath(new URL(name, import.meta.url))

const pinned = spawnSync('taskset', ['-V']).status === 0 && cpus().length > 1
/** Moves a running process onto one core. */
function pin(pid, core) {
  if (pinned) spawnSync('taskset', ['-a', '-c', '-p', String(core), String(pid)])
}

const monitors = [
  { name: 'nothing' },
  {
    name: 'callsight',
    node: ['--require', file('../../agent/dist/register.js')],
    env: { CALLSIGHT_KEY_SECRET: 'bench' },
  },
  { name: 'express-prom-bundle' },
  { name: 'opentelemetry' },
  {
    name: 'callsight, ratio 0',
    node: ['--require', file('../../agent/dist/register.js')],
    env: { CALLSIGHT_TRACE_RATIO: '0', CALLSIGHT_KEY_SECRET: 'bench' },
  },
].filter(({ name }) => values.only === undefined || name === 'nothing' || values.only.split(';').includes(name))

async function start(script, options) {
  const child = fork(file(script), { ...options, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const [{ port }] = await once(child, 'message')
  return { child, port }
}

async function ask(child) {
  child.send('cpu')
  const [answer] = await once(child, 'message')
  return answer
}

function load(port, duration) {
  const items = Array.from({ length: 4 }, (_, i) => ({ id: i * 7, count: i + 1 }))
  const keys = ['key-of-acme', 'key-of-bolt', 'key-of-corn', 'key-of-dune', 'key-of-echo']
  const requests = Array.from({ length: 20 }, (_, i) => {
    const headers = { 'x-api-key': keys[i % keys.length], 'user-agent': 'bench/1.0', accept: 'application/json' }
    if (i % 4 === 3) {
      const body = JSON.stringify({ customer: i, items })
      return { method: 'POST', path: '/orders', headers: { ...headers, 'content-type': 'application/json' }, body }
    }
    return { method: 'GET', path: `/books/${i * 9}`, headers }
  })
  return autocannon({ url: `http://127.0.0.1:${port}`, connections: 20, duration, requests })
}

/** A server with one monitor in it, warmed up. */
async function begin(monitor, sink) {
  const { child, port } = await start('overhead/server.cjs', {
    execArgv: monitor.node ?? [],
    env: {
      ...process.env,
      NODE_ENV: 'production',
      MONITOR: monitor.name,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${sink.port}`,
      ...monitor.env,
    },
  })
  pin(child.pid, 0)
  await load(port, 3)
  return { name: monitor.name, child, port }
}

/** CPU microseconds per request over one window. */
async function measure({ name, child, port }) {
  const before = await ask(child)
  const { non2xx, errors } = await load(port, seconds)
  const after = await ask(child)
  if (non2xx + errors > 0) throw new Error(`${name}: ${non2xx} bad answers, ${errors} errors`)
  return { micros: (after.micros - before.micros) / (after.served - before.served), rss: after.rss / 1e6 }
}

const sink = await start('overhead/sink.cjs', { execArgv: [] })
pin(process.pid, 1)
pin(sink.child.pid, 1)
if (!pinned) console.log('taskset is missing, or there is one core: server and load share cores, so expect more noise')

const results = new Map(monitors.map(({ name }) => [name, []]))
const memory = new Map(monitors.map(({ name }) => [name, []]))
for (let i = 0; i < starts; i++) {
  // All servers live side by side, one works at a time, in short turns: what the machine does besides hits all alike.
  const servers = []
  for (const monitor of monitors) servers.push(await begin(monitor, sink))
  for (let round = 0; round < rounds; round++) {
    for (const server of servers) {
      const { micros, rss } = await measure(server)
      results.get(server.name).push(micros)
      memory.get(server.name).push(rss)
    }
    process.stderr.write(`start ${i + 1} of ${starts}, round ${round + 1} of ${rounds}\r`)
  }
  for (const { child } of servers) {
    child.disconnect()
    await once(child, 'exit')
  }
}
sink.child.disconnect()

const sorted = (list) => list.toSorted((a, b) => a - b)
const median = (list) => {
  const s = sorted(list)
  return s.length % 2 === 1 ? s[s.length >> 1] : (s[s.length / 2 - 1] + s[s.length / 2]) / 2
}
const base = results.get('nothing')
/** Each round is compared with its own base, so that slow drifts of the machine cancel out. */
const added = new Map([...results].map(([name, list]) => [name, list.map((micros, i) => micros - base[i])]))
const prom = added.has('express-prom-bundle') ? median(added.get('express-prom-bundle')) : Number.NaN

console.log(
  `\nCPU time per request, Express 5, 3 GET : 1 POST JSON, ${starts} starts × ${rounds} rounds of ${seconds} s, interleaved`,
)
console.log(
  `Node ${process.version}, ${cpus().length} × ${cpus()[0].model.trim()}${pinned ? ', server on core 0, load on core 1' : ''}\n`,
)
console.log(
  '| monitor | µs per request (median, min … max) | added µs (median, min … max) | ratio to express-prom-bundle | memory MB |',
)
console.log('|---|---|---|---|---|')
for (const [name, list] of results) {
  const more = added.get(name)
  const range = (l) => `${median(l).toFixed(1)} (${sorted(l)[0].toFixed(1)} … ${sorted(l).at(-1).toFixed(1)})`
  const extra = name === 'nothing' ? '' : range(more)
  const ratio = name === 'nothing' ? '' : (median(more) / prom).toFixed(2)
  console.log(`| ${name} | ${range(list)} | ${extra} | ${ratio} | ${median(memory.get(name)).toFixed(0)} |`)
}
