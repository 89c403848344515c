// Faults at random against a collector under load, then a count: npm run chaos [-- --kills 100 --seconds 300 --seed 1
// --without view,disk]. The same seed gives the same faults. Ends with 1 when a call is missing or there twice.
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runnerImport } from 'vite'
import { prepare } from '../../scripts/prepare.mjs'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '300' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    without: { type: 'string', default: '' },
    'as-built': { type: 'boolean', default: false },
  },
})
// As built, with what somebody has broken on purpose to see it found.
if (!values['as-built']) prepare()
const load = async (name) => (await runnerImport(fileURLToPath(new URL(name, import.meta.url)))).module
const { chaos } = await load('chaos.ts')
const { report } = await load('report.ts')

const seed = Number(values.seed)
const begun = performance.now()
console.log(`seed ${seed}: ${values.kills} kills`)
const tell = (line) => {
  const text = `${((performance.now() - begun) / 1000).toFixed(0).padStart(4)} s  ${line}`
  process.stdout.write(process.stdout.isTTY ? `\r\x1b[K${text}` : `${text}\n`)
}
const without = new Set(values.without.split(',').filter(Boolean))
const options = { kills: Number(values.kills), seconds: Number(values.seconds), seed, without, keep: true }
const outcome = await chaos(options, tell)
console.log(`\n\n${report(outcome)}`)
process.exit(outcome.differences.length === 0 ? 0 : 1)
