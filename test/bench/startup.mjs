// What a monitor costs before the first request: time until the application listens, and its memory then.
// npm run bench -- startup [--app express|fastify|http] [--only 'a;b'] [--rounds 10]
import { parseArgs } from 'node:util'
import { prepareMonitors } from '../../scripts/monitors.mjs'
import { monitorsOf } from './overhead/monitors.mjs'
import { describeMachine, startServer, startSink } from './overhead/place.mjs'
import { median, quartiles } from './overhead/statistics.mjs'

const { values } = parseArgs({
  options: {
    app: { type: 'string', default: 'express' },
    only: { type: 'string' },
    rounds: { type: 'string', default: '10' },
  },
})
const monitors = monitorsOf(
  values.app,
  values.only?.split(';').map((name) => name.trim()),
)
prepareMonitors()
const sink = startSink()
const rows = []
for (let round = 0; round < Number(values.rounds); round++) {
  const row = {}
  for (const monitor of monitors) {
    const server = await startServer(values.app, monitor, sink)
    const { uptime, rss } = await server.read()
    row[monitor.name] = { ms: uptime, mb: rss / 1e6 }
    await server.stop()
  }
  rows.push(row)
  process.stderr.write(`round ${round + 1} of ${values.rounds}   \r`)
}
sink.stop()

console.log(
  `\n${describeMachine()}\n${values.app}: from the begin of the process to its first \`listening\`, ${values.rounds} rounds; medians (quartiles)\n`,
)
console.log('| monitor | ms until it listens | added ms | memory MB | added MB |\n|---|---|---|---|---|')
for (const { name } of monitors) {
  const added = (what) =>
    name === 'nothing' ? '' : median(rows.map((row) => row[name][what] - row.nothing[what])).toFixed(0)
  const of = (what) =>
    quartiles(
      rows.map((row) => row[name][what]),
      0,
    )
  console.log(`| ${name} | ${of('ms')} | ${added('ms')} | ${of('mb')} | ${added('mb')} |`)
}
