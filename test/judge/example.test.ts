import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'

const program = fileURLToPath(new URL('../../collector/bin/callsight.js', import.meta.url))
const example = fileURLToPath(new URL('../../deploy/callsight.example.yaml', import.meta.url))
const hash = '0123456789abcdef'.repeat(4)
const env = {
  CHECKOUT_TOKEN_SHA256: hash,
  DASHBOARDS_TOKEN_SHA256: hash.replace('0', '2'),
  OPERATORS_TOKEN_SHA256: hash.replace('0', '3'),
  ACME_KEY_SHA256: hash,
  UMBRELLA_KEY_SHA256: hash.replace('0', '1'),
  OPS_WEBHOOK: 'https://hooks.example.com/x',
  OPS_WEBHOOK_SECRET: 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=',
}

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'callsight-check-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The command as a user runs it. */
async function check(words: string[], env: Record<string, string> = {}) {
  const run = promisify(execFile)(process.execPath, [program, 'check', ...words], { env })
  return run.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout, stderr }),
  )
}

it('the example is fine', async () => {
  expect(await check([example], env)).toEqual({
    code: 0,
    stdout: `${example} is fine: 3 tokens, 2 consumers, 2 plans, 5 quotas, 2 objectives, 4 alerts, 1 channel\n`,
    stderr: '',
  })
})

it('without its environment every missing variable is named', async () => {
  const { code, stderr } = await check([example])
  expect(code).toBe(1)
  for (const name of Object.keys(env)) expect(stderr).toContain(`\${${name}} is not set`)
  expect(stderr.trim().split('\n')).toHaveLength(Object.keys(env).length)
})

it('every fault is on a line of its own, and the exit code is 1', async () => {
  const file = join(folder, 'callsight.yaml')
  writeFileSync(file, 'alerts:\n  - name: slow\n    when: p95 >> 300ms\n    over: 5m\n    fro: 1m\ncolour: blue\n')
  expect(await check([file])).toEqual({
    code: 1,
    stdout: '',
    stderr: `${file}:3:11: alerts[0].when: ">>" is not a comparison here; use >, >=, < or <=
${file}:5:5: alerts[0].fro: unknown key "fro"; did you mean for?
${file}:6:1: colour: unknown key "colour"; the keys here are store, retention, listen, tokens, consumers, plans, objectives, openslo, alerts, channels, notices, grouping, maintenance, inhibit, heartbeat, external_url
`,
  })
})

it('a receiver that will be refused is warned of, and the file is fine', async () => {
  const file = join(folder, 'private.yaml')
  writeFileSync(file, 'channels: { ops: { webhook: "http://10.0.0.1/secret-path" } }\n')
  const { code, stderr } = await check([file])
  expect(code).toBe(0)
  expect(stderr).toBe(
    `${file}: warning: channels.ops: the receiver is at a private address (10.0.0.1), where notices do not go unless allowed; add allow_private: true to its channel, or notices: { allow_private: [10.0.0.1/32] }\n`,
  )
})

it('wrong usage has the exit code 2', async () => {
  expect((await check([])).code).toBe(2)
})
