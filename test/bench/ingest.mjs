// How many calls a second a collector with an embedded store takes, end to end: sent, acknowledged, and found by a question.
// npm run bench -- ingest [--body agent|agent-payloads|stock] [--gzip] [--seconds 30] [--warm 5] [--half 30] [--rate N] [--connections 32]
//                         [--data DIR] [--profiles DIR] [--keep] [--json]
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { kinds } from './ingest/bodies.mjs'
import { Collector, describeMachine, loopDelay } from './ingest/collector.mjs'
import { Load } from './ingest/load.mjs'
import { readStore } from './ingest/stored.mjs'

const { values } = parseArgs({
  options: {
    body: { type: 'string', default: 'agent' },
    gzip: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '30' },
    warm: { type: 'string', default: '5' },
    half: { type: 'string', default: '30' },
    rate: { type: 'string' },
    connections: { type: 'string', default: '32' },
    data: { type: 'string', default: '.' },
    profiles: { type: 'string' },
    keep: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const { body, gzip } = values
if (!kinds.includes(body)) {
  console.error(`--body is ${kinds.join(', ')}`)
  process.exit(2)
}
const [seconds, warm, half, connections] = [values.seconds, values.warm, values.half, values.connections].map(Number)
const rate = values.rate === undefined ? undefined : Number(values.rate)
/** Compressed bodies are made beforehand, for at most this many calls a second. */
const MOST = 200_000
/** How often it is looked whether all is stored, and how long that may take. */
const LOOK_MS = 200
const SETTLE_MS = 300_000

mkdirSync(resolve(values.data), { recursive: true })
const folder = mkdtempSync(join(resolve(values.data), 'callsight-bench-'))
const data = join(folder, 'data')
/** Calls begin a moment before they are sent. */
const since = Math.floor((Date.now() - 60_000) / 3_600_000) * 3_600_000
const say = (text) => process.stderr.write(`${text}\n`)

const load = new Load()
let collector
let acknowledged = 0
try {
  collector = await Collector.start({ data, profiles: values.profiles && resolve(values.profiles) })
  const report = { machine: describeMachine(folder), body, gzip, connections }
  const prepare = (calls) => load.prepare({ url: collector.otlp, kind: body, gzip, connections, calls })
  say('preparing')
  Object.assign(report, await prepare(warm * MOST))
  say(`warming for ${warm} s`)
  await phase({ seconds: warm, rate })
  await prepare(seconds * (rate ?? MOST))
  say(`sending for ${seconds} s, ${rate === undefined ? 'as fast as it goes' : `${rate} calls a second`}`)
  report.full = await phase({ seconds, rate })
  if (rate === undefined && half > 0) {
    const halfRate = Math.round(report.full.callsPerSecond / 2)
    await prepare(half * halfRate)
    say(`sending for ${half} s at half of that`)
    report.half = await phase({ seconds: half, rate: halfRate })
  }
  report.memory = collector.memory()
  report.stopSeconds = await collector.stop()
  collector = undefined
  say('merging')
  Object.assign(report, { acknowledged }, readStore(data))
  if (values.json) console.log(JSON.stringify(report, undefined, 2))
  else print(report)
} finally {
  collector?.child.kill('SIGKILL')
  load.stop()
  if (values.keep) say(`the store is in ${data}`)
  else rmSync(folder, { recursive: true, force: true })
}

/** Sends, waits until every acknowledged call is found, and tells what it took. */
async function phase(options) {
  await collector.metrics()
  const before = collector.cpu()
  const began = performance.now()
  const sent = await load.send({ ...options, connections })
  acknowledged += sent.calls
  const answered = performance.now()
  const metrics = await collector.metrics()
  await stored()
  const took = (performance.now() - began) / 1000
  const cpu = collector.cpuSince(before)
  const per = (seconds) => (seconds / sent.calls) * 1e6
  return {
    callsPerSecond: sent.calls / took,
    acknowledgedPerSecond: sent.calls / sent.seconds,
    calls: sent.calls,
    requests: sent.requests,
    retries: sent.retries,
    megabytesPerSecond: sent.bytes / sent.seconds / 1e6,
    drainSeconds: (performance.now() - answered) / 1000,
    acknowledgement: sent.latencies,
    loopDelay: loopDelay(metrics),
    cpuPerMillion: { all: per(cpu.all), main: per(cpu.main), node: per(cpu.node), engine: per(cpu.engine) },
    threads: cpu.threads.slice(0, 8).map(({ name, seconds }) => ({ name, perMillion: per(seconds) })),
    generatorCores: sent.cpu / sent.seconds,
    memory: collector.memory(),
  }
}

/** Waits until what was acknowledged is found in `calls` and its minutes. */
async function stored() {
  const deadline = Date.now() + SETTLE_MS
  for (;;) {
    const { raw, minutes } = await collector.counts(since)
    if (raw === acknowledged && minutes === acknowledged) return
    if (raw > acknowledged || Date.now() > deadline) {
      throw new Error(`${acknowledged} calls were acknowledged, found are ${raw} and ${minutes} by minute`)
    }
    await new Promise((wake) => setTimeout(wake, LOOK_MS))
  }
}

function print(report) {
  const whole = (number) => Math.round(number).toLocaleString('en')
  const ms = (number) => number.toFixed(number < 10 ? 1 : 0)
  console.log(`\n${report.machine}`)
  console.log(
    `${body} bodies${gzip ? ', gzip' : ''}: ${report.callsPerRequest} calls a request, ${Math.round(report.bytesPerCall)} bytes a call before compression, ${connections} requests in flight\n`,
  )
  const columns = [report.full, report.half].filter(Boolean)
  const row = (name, cell) => console.log(`| ${[name, ...columns.map(cell)].join(' | ')} |`)
  console.log(
    `| | ${rate === undefined ? 'as fast as it goes' : 'at the rate asked for'} |${report.half ? ' at half of that |' : ''}`,
  )
  console.log(`|---|---|${report.half ? '---|' : ''}`)
  row('calls per second, acknowledged and found (goal 120,000)', (of) => whole(of.callsPerSecond))
  row('calls per second, acknowledged', (of) => whole(of.acknowledgedPerSecond))
  row('seconds from the last answer until all were found', (of) => of.drainSeconds.toFixed(1))
  row('acknowledgement p50 / p99 / max, ms (goal of p99 at half: 250)', ({ acknowledgement: { p50, p99, max } }) =>
    [p50, p99, max].map(ms).join(' / '),
  )
  row('told to come again', (of) => whole(of.retries))
  row('event-loop delay p99, ms (goal 50)', (of) => ms(of.loopDelay))
  row('CPU seconds per million calls', (of) => of.cpuPerMillion.all.toFixed(2))
  row('… main thread', (of) => of.cpuPerMillion.main.toFixed(2))
  row('… other threads of Node', (of) => of.cpuPerMillion.node.toFixed(2))
  row('… engine', (of) => of.cpuPerMillion.engine.toFixed(2))
  row('memory (RSS) at the end / peak, MB', (of) => `${whole(of.memory.now)} / ${whole(of.memory.peak)}`)
  row('cores that the generator used', (of) => of.generatorCores.toFixed(2))
  console.log(`\n| thread, as fast as it goes | CPU seconds per million calls |\n|---|---|`)
  for (const { name, perMillion } of report.full.threads) console.log(`| ${name} | ${perMillion.toFixed(2)} |`)

  const { counts } = report
  const exact = Object.values(counts).every((count) => count === acknowledged)
  console.log(
    `\n${exact ? 'EXACT' : 'NOT EXACT'}: acknowledged ${whole(acknowledged)}; ${Object.entries(counts)
      .map(([name, count]) => `${name} ${whole(count)}`)
      .join(', ')}`,
  )
  console.log(
    '\n| table | rows | bytes per call, as found (goal of calls: 40) | parts | bytes per call, merged |\n|---|---|---|---|---|',
  )
  const per = (bytes) => (bytes / acknowledged).toFixed(1)
  const sum = (sizes) => sizes.reduce((total, { bytes }) => total + bytes, 0)
  for (const { table, rows, bytes, parts } of report.found) {
    const merged = report.merged.find((one) => one.table === table)
    if (bytes / acknowledged >= 0.05)
      console.log(`| ${table} | ${whole(rows)} | ${per(bytes)} | ${parts} | ${per(merged?.bytes ?? 0)} |`)
  }
  console.log(`| all | | ${per(sum(report.found))} | | ${per(sum(report.merged))} |`)
  console.log(
    `\nColumns of calls, bytes per call: ${report.columns.map(({ column, bytes }) => `${column} ${per(bytes)}`).join(', ')}`,
  )
  if (!exact) process.exitCode = 1
}
