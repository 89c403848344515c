// What the agent does to latency: p50 and p99 at half of the rate that saturates the server, requests coming whether it keeps up or not.
// Two tables: the application as it is, with 8 MB of live heap, and with as much more as a service of some size has.
// npm run bench -- latency [--heap 0,80] [--app express|fastify|http] [--only 'callsight, 10 % of bodies'] [--starts 2] [--rounds 20] [--seconds 2]
import { parseArgs } from 'node:util'
import { prepareMonitors } from '../../scripts/monitors.mjs'
import { constant, saturate } from './overhead/load.mjs'
import { monitorsOf } from './overhead/monitors.mjs'
import { describeMachine, startServer, startSink } from './overhead/place.mjs'
import { median, quantile, quartiles, ratio } from './overhead/statistics.mjs'

const { values } = parseArgs({
  options: {
    app: { type: 'string', default: 'express' },
    heap: { type: 'string', default: '0,80' },
    only: { type: 'string', default: 'callsight; callsight, 10 % of bodies' },
    starts: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '2' },
  },
})
const { app } = values
const monitors = monitorsOf(
  app,
  values.only.split(';').map((name) => name.trim()),
)
const heaps = values.heap.split(',').map(Number)
const [starts, rounds, seconds] = [values.starts, values.rounds, values.seconds].map(Number)

/** Requests per second that the application without a monitor can do at most. */
async function saturation(server) {
  const rates = []
  for (let i = 0; i < 5; i++) rates.push(await saturate(server.port, 0.5))
  return median(rates)
}

/** One table: the application with `heap` megabytes of live objects beside it. */
async function measure(heap, sink) {
  const rows = []
  const all = Object.fromEntries(monitors.map(({ name }) => [name, []]))
  const rates = []
  for (let i = 0; i < starts; i++) {
    const servers = []
    for (const monitor of monitors) servers.push(await startServer(app, monitor, sink, heap))
    for (const server of servers) for (let turn = 0; turn < 6; turn++) await saturate(server.port, 0.5)
    const rate = (await saturation(servers.find(({ name }) => name === 'nothing'))) / 2
    rates.push(rate)
    for (let round = 0; round < rounds; round++) {
      rows.push(await takeTurns(servers, round, rate, all))
      process.stderr.write(`${heap} MB: start ${i + 1} of ${starts}, round ${round + 1} of ${rounds}   \r`)
    }
    for (const server of servers) await server.stop()
  }
  print(heap, rows, all, median(rates))
}

async function takeTurns(servers, round, rate, all) {
  const row = {}
  // Every other round the other way round, so that nobody always comes first.
  for (const server of round % 2 === 0 ? servers : servers.toReversed()) {
    const latencies = await constant(server.port, rate, seconds)
    row[server.name] = { p50: median(latencies), p99: quantile(latencies, 0.99) }
    for (const latency of latencies) all[server.name].push(latency)
  }
  return row
}

function print(heap, rows, all, rate) {
  const held = heap === 0 ? 'nothing on its heap besides' : `${heap} MB of live objects beside it`
  console.log(
    `\n${app}, ${held}: latency in ms at ${Math.round(rate)} requests per second (half of saturation), ${starts} starts × ${rounds} rounds of ${seconds} s, counted from the moment each request was due\n`,
  )
  console.log(
    '| monitor | p50 of a round | p99 of a round | p99 of all | p50 to nothing (90 %) | p99 to nothing (90 %) |\n|---|---|---|---|---|---|',
  )
  for (const { name } of monitors) {
    const of = (share) => (row) => row[name][share]
    const base = (share) => (row) => row.nothing[share]
    const to = (share) => (name === 'nothing' ? '' : ratio(rows, of(share), base(share)))
    const cells = [
      name,
      quartiles(rows.map(of('p50')), 2),
      quartiles(rows.map(of('p99')), 2),
      quantile(all[name], 0.99).toFixed(2),
      to('p50'),
      to('p99'),
    ]
    console.log(`| ${cells.join(' | ')} |`)
  }
}

if (monitors.some(({ module }) => module !== undefined)) prepareMonitors()
const sink = startSink()
console.log(describeMachine())
for (const heap of heaps) await measure(heap, sink)
sink.stop()
