// What decoding costs: calls per second of one core's CPU time, from the bytes of a request to the bytes of a block.
// npm run bench -- decode [--seconds 2] [--rounds 5] [--only decoder] [--of 'our agent']
import { createRequire } from 'node:module'
import { cpus } from 'node:os'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { gunzipSync, gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import { Decoder } from '../../collector/dist/receive/decoder.js'
import { agentBody, stockBody } from './decode/bodies.mjs'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '5' },
    /** One way, and one kind of requests. */
    only: { type: 'string' },
    of: { type: 'string' },
  },
})
const CALLS = 1000
const BODIES = 20
/** Requests whose rows share a block, as they do while one is synced to disk. */
const PER_BLOCK = 4

const now = Date.now()
const makers = {
  'our agent': (seed) => agentBody(CALLS, seed, now),
  'our agent, one in ten with headers and bodies': (seed) => agentBody(CALLS, seed, now, 10),
  'a stock SDK, 12 attributes': (seed) => stockBody(CALLS, seed, now),
  'a stock SDK, JSON': (seed) => stockBody(CALLS, seed, now, 'json'),
}

const { opentelemetry } = createRequire(import.meta.url)('otlp-transformer-oracle/build/src/generated/root.js')
const Traces = opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest

/** The readable mapping that the decoder is tested against, in TypeScript: objects in between, and rows as JSON. */
async function loadReference() {
  const place = (path) => fileURLToPath(new URL(path, import.meta.url))
  const file = place('../../node_modules/.cache/callsight/reference.mjs')
  const input = place('../conformance/reference/bench.ts')
  const bundle = await rolldown({ input, platform: 'node', external: /^[a-z@]/ })
  await bundle.write({ file })
  return import(pathToFileURL(file).href)
}
const { referenceLines } = await loadReference()

const decoder = new Decoder({ consumers: [], keySecret: undefined, pastMs: 30 * 86_400_000 })
const about = { env: undefined, token: '' }
let taken = 0
const ways = {
  decoder: (body, wire) => {
    decoder.take('traces', wire, body, about)
    if (++taken % PER_BLOCK === 0) decoder.drain()
  },
  'reference: objects, then rows as JSON': (body, wire) => wire === 'protobuf' && referenceLines(body),
  'generated decoder, objects only': (body, wire) => wire === 'protobuf' && Traces.decode(body),
  'gunzip alone': (body) => gunzipSync(body),
}

/** Calls per second of CPU time in a window. */
function window(way, inputs, wire, seconds) {
  const before = process.cpuUsage()
  const until = performance.now() + seconds * 1000
  let calls = 0
  for (let i = 0; performance.now() < until; i++) {
    way(inputs[i % inputs.length], wire)
    calls += CALLS
  }
  const { user, system } = process.cpuUsage(before)
  return calls / ((user + system) / 1e6)
}

console.log(`Node ${process.version}, ${cpus()[0].model.trim()}; ${CALLS} calls a request\n`)
console.log('| requests | bytes a call | way | calls per second and core (best, median) |\n|---|---|---|---|')
for (const [name, make] of Object.entries(makers)) {
  if (values.of !== undefined && name !== values.of) continue
  const input = Array.from({ length: BODIES }, (_, seed) => make(seed))
  const wire = name.endsWith('JSON') ? 'json' : 'protobuf'
  const size = input.reduce((sum, body) => sum + body.length, 0) / BODIES / CALLS
  for (const [title, way] of Object.entries(ways)) {
    if (
      (values.only !== undefined && title !== values.only) ||
      (wire === 'json' && !['decoder', 'gunzip alone'].includes(title))
    )
      continue
    const given = title === 'gunzip alone' ? input.map((body) => gzipSync(body, { level: 1 })) : input
    window(way, given, wire, Number(values.seconds))
    const found = Array.from({ length: Number(values.rounds) }, () =>
      window(way, given, wire, Number(values.seconds) / 2),
    )
    found.sort((a, b) => b - a)
    const middle = found[Math.floor(found.length / 2)]
    console.log(`| ${name} | ${size.toFixed(0)} | ${title} | ${Math.round(found[0])}, ${Math.round(middle)} |`)
  }
}
