// npm test [-- FILE…]: installs and builds what is missing, runs every test, ends with "N passed, N failed".
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findChromium, installChromium } from './chromium.mjs'
import { prepareMonitors } from './monitors.mjs'
import { prepare, prepareFrameworks, root } from './prepare.mjs'

prepare()
// Not needed by somebody who names other tests.
const files = process.argv.slice(2).filter((argument) => /[\\/]|\.test/.test(argument))
const needs = (name) => files.length === 0 || files.some((file) => file.includes(name))
if (needs('frameworks')) prepareFrameworks()
if (needs('beside')) prepareMonitors()
// Who names a browser wants that one or none.
if (!process.env.CALLSIGHT_CHROMIUM && findChromium() === undefined) installChromium()

const folder = mkdtempSync(join(tmpdir(), 'callsight-test-'))
const report = join(folder, 'report.json')
const { status } = spawnSync(
  process.execPath,
  [
    `${root}node_modules/vitest/vitest.mjs`,
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: 'inherit' },
)
let passed = 0
let failed = 0
let skipped = 0
try {
  for (const file of JSON.parse(readFileSync(report, 'utf8')).testResults) {
    // A file that could not even be loaded has no tests to count.
    if (file.assertionResults.length === 0 && file.status === 'failed') failed++
    for (const test of file.assertionResults) {
      if (test.status === 'passed') passed++
      else if (test.status === 'failed') failed++
      else skipped++
    }
  }
} catch (error) {
  console.error(`no test report: ${error.message}`)
}
rmSync(folder, { recursive: true, force: true })
if (status !== 0 && failed === 0) failed = 1
console.log(`${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`)
process.exit(failed === 0 && passed > 0 ? 0 : 1)
