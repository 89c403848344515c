// npm test [-- FILE…]: installs and builds what is missing, runs every test, ends with "N passed, N failed".
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installFromDebian } from './debian.mjs'
import { prepareMonitors } from './monitors.mjs'
import { prepare, prepareFrameworks, root } from './prepare.mjs'

/** Versions of Node beside this one, and what is tried on each: what goes through Node's own internals. */
const VERSIONS = [22, 24, 26]
const ON_EACH = [
  'wire',
  'http2',
  'handshake',
  'safety',
  'detail',
  'outcases',
  'outhttp2',
  'outundici',
  'linked',
  'trace',
  'exit',
]

prepare()
// Not needed by somebody who names other tests.
const files = process.argv.slice(2).filter((argument) => /[\\/]|\.test/.test(argument))
const needs = (name) => files.length === 0 || files.some((file) => file.includes(name))
if (needs('frameworks')) prepareFrameworks()
if (needs('beside')) prepareMonitors()
installFromDebian()

const folder = mkdtempSync(join(tmpdir(), 'callsight-test-'))
const sum = { passed: 0, failed: 0, skipped: 0 }
runTests(process.argv.slice(2), {})
if (files.length === 0) for (const version of VERSIONS) runOn(version)
rmSync(folder, { recursive: true, force: true })
console.log(`${sum.passed} passed, ${sum.failed} failed${sum.skipped === 0 ? '' : `, ${sum.skipped} skipped`}`)
process.exit(sum.failed === 0 && sum.passed > 0 ? 0 : 1)

/** The agent inside applications on another Node than this one. */
function runOn(version) {
  const binary = `${root}test/frameworks/node_modules/node-${version}/bin/node`
  if (!existsSync(binary)) {
    console.log(`skipped on Node ${version}, which is here only on Linux x64`)
    return
  }
  console.log(`\nThe agent on Node ${version}`)
  runTests(
    ON_EACH.map((name) => `test/agent/${name}.test.ts`),
    { TEST_NODE: binary },
  )
}

function runTests(args, env) {
  const report = join(folder, 'report.json')
  rmSync(report, { force: true })
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const { status } = spawnSync(
    process.execPath,
    [`${root}node_modules/vitest/vitest.mjs`, 'run', ...reporters, ...args],
    { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } },
  )
  const before = sum.failed
  try {
    for (const file of JSON.parse(readFileSync(report, 'utf8')).testResults) {
      // A file that could not even be loaded has no tests to count.
      if (file.assertionResults.length === 0 && file.status === 'failed') sum.failed++
      for (const test of file.assertionResults) {
        if (test.status === 'passed') sum.passed++
        else if (test.status === 'failed') sum.failed++
        else sum.skipped++
      }
    }
  } catch (error) {
    console.error(`no test report: ${error.message}`)
  }
  if (status !== 0 && sum.failed === before) sum.failed++
}
