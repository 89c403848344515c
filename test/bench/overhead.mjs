// What a monitor costs: added CPU time per request, of three applications, against others and against none.
// npm run bench -- overhead [--app express|fastify|http] [--only 'a;b'] [--starts 1] [--rounds 12] [--seconds 2]
import { parseArgs } from 'node:util'
import { prepareMonitors } from '../../scripts/monitors.mjs'
import { saturate } from './overhead/load.mjs'
import { monitorsOf } from './overhead/monitors.mjs'
import { describeMachine, startServer, startSink } from './overhead/place.mjs'
import { median, quartiles, ratio } from './overhead/statistics.mjs'

const { values } = parseArgs({
  options: {
    app: { type: 'string', default: 'express,fastify,http' },
    only: { type: 'string' },
    starts: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '12' },
    seconds: { type: 'string', default: '2' },
  },
})
const apps = values.app.split(',')
const only = values.only?.split(';').map((name) => name.trim())
const starts = Number(values.starts)
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)

/** What a monitor sends in batches it may send after the turn: that belongs to the turn, so its account stays open for at least so long. */
const REST_MS = 5500
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Turns until the cost of a request no longer falls: compiled code and full caches are what a server in production has. */
async function warmUp(server) {
  const costs = []
  for (let turn = 0; turn < 12; turn++) {
    const before = await server.read()
    await saturate(server.port, 0.5)
    const after = await server.read()
    costs.push((after.micros - before.micros) / (after.served - before.served))
    const [a, b, c, d] = costs.slice(-4)
    if (turn >= 5 && c + d > (a + b) * 0.97) return
  }
}

/**
 * All servers live side by side and work in short turns, one after the other. A turn's account runs from its begin to the begin of the server's next turn, so it
 * holds what is sent afterwards. Returns one row a round: microseconds per request by the name of the monitor.
 */
async function takeTurns(servers, progress) {
  const rows = []
  const open = new Map()
  const close = async (server) => {
    const account = open.get(server)
    if (account === undefined) return
    await sleep(account.ended + REST_MS - performance.now())
    const after = await server.read()
    account.row[server.name] = (after.micros - account.before.micros) / (after.served - account.before.served)
  }
  for (let round = 0; round < rounds; round++) {
    const row = {}
    rows.push(row)
    // Nobody always comes after the same neighbour.
    for (const server of [...servers.slice(round % servers.length), ...servers.slice(0, round % servers.length)]) {
      await close(server)
      const before = await server.read()
      await saturate(server.port, seconds)
      open.set(server, { row, before, ended: performance.now() })
    }
    progress(round + 1)
  }
  for (const server of servers) await close(server)
  return rows
}

async function run(app, sink) {
  const monitors = monitorsOf(app, only)
  const rows = []
  const sent = {}
  const memory = Object.fromEntries(monitors.map(({ name }) => [name, []]))
  for (let i = 0; i < starts; i++) {
    const servers = []
    for (const monitor of monitors) {
      const server = await startServer(app, monitor, sink)
      servers.push(server)
      await warmUp(server)
    }
    rows.push(
      ...(await takeTurns(servers, (round) =>
        process.stderr.write(`${app}: start ${i + 1} of ${starts}, round ${round} of ${rounds}   \r`),
      )),
    )
    for (const server of servers) {
      const { rss, served } = await server.read()
      memory[server.name].push(rss / 1e6)
      sent[server.name] = server.name === 'nothing' ? '' : proof(server.name, await server.evidence(), served)
      await server.stop()
    }
  }
  print(app, monitors, rows, memory, sent)
}

/** A monitor that sees nothing costs nothing: such a comparison would be worthless. */
function proof(name, { bytes, requests }, served) {
  if ((bytes ?? requests) === 0) throw new Error(`${name} has told nobody anything`)
  if (requests !== undefined && requests < served) throw new Error(`${name} knows of ${requests} requests of ${served}`)
  return bytes === undefined ? 'pulled' : (bytes / served).toFixed(1)
}

function print(app, monitors, rows, memory, sent) {
  const added = (name) => (row) => row[name] - row.nothing
  const names = monitors.map(({ name }) => name)
  const against = ['express-prom-bundle', 'prom-client', 'opentelemetry'].filter((name) => names.includes(name))
  console.log(
    `\n${app}: CPU time per request, ${starts} starts × ${rounds} rounds of ${seconds} s; medians (quartiles)\n`,
  )
  const head = [
    'monitor',
    'µs per request',
    'added µs',
    ...against.map((name) => `ratio to ${name} (90 %)`),
    'bytes sent per request',
    'memory MB',
  ]
  console.log(`| ${head.join(' | ')} |\n|${head.map(() => '---|').join('')}`)
  for (const name of names) {
    const extra = name === 'nothing' ? '' : quartiles(rows.map(added(name)))
    const ratios = against.map((other) =>
      name === 'nothing' || name === other ? '' : ratio(rows, added(name), added(other)),
    )
    const cells = [
      name,
      quartiles(rows.map((row) => row[name])),
      extra,
      ...ratios,
      sent[name],
      median(memory[name]).toFixed(0),
    ]
    console.log(`| ${cells.join(' | ')} |`)
  }
}

prepareMonitors()
const sink = startSink()
console.log(describeMachine())
for (const app of apps) await run(app, sink)
sink.stop()
