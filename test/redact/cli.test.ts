import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { callsightProgram, temporaryFolder } from '../program.ts'

function redact(args: string[], input = ''): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [callsightProgram, 'redact', ...args], { input, encoding: 'utf8' })
}

test('tells what is masked, by which rule, and what is left', () => {
  const file = join(temporaryFolder(), 'order.json')
  writeFileSync(
    file,
    '{"id":7,"userPassword":"hunter2","note":"mail alice@example.com","card":{"number":4111111111111111},"city":"Rome"}',
  )
  const { status, stdout } = redact(['--dry-run', file, '--path', '$.city'])
  expect(stdout).toBe(
    `read as application/json
  $.userPassword  name:password
  $.note          shape:email
  $.card.number   shape:card
  $.city          option:path
4 masked: name:password 1, option:path 1, shape:card 1, shape:email 1

{"id":7,"userPassword":"[redacted]","note":"mail [redacted]","card":{"number":"[redacted]"},"city":"[redacted]"}
`,
  )
  expect(status).toBe(0)
})

test('reads standard input and guesses the type', () => {
  expect(redact(['--dry-run', '-', '--name', 'nick'], 'a=1&pin=1234&Nick=bob').stdout).toBe(
    `read as application/x-www-form-urlencoded
  pin   name:pin
  Nick  option:nick
2 masked: name:pin 1, option:nick 1

a=1&pin=[redacted]&Nick=[redacted]
`,
  )
  expect(redact(['--dry-run', '-', '--type', 'image/png'], 'x').stdout).toBe(
    'read as image/png\n0 masked\n\nnothing of it is kept: the mode or the content type does not allow it\n',
  )
})

test('a missing file, a bad path and a missing flag', () => {
  const missing = redact(['--dry-run', '/no/such/file.json'])
  expect(missing.stderr).toBe(
    "callsight: cannot read /no/such/file.json: ENOENT: no such file or directory, open '/no/such/file.json'\n",
  )
  expect(missing.status).toBe(1)
  const bad = redact(['--dry-run', '-', '--path', '$.a[?(@.b)]'], '{}')
  expect(bad.stderr).toContain(
    'redaction path "$.a[?(@.b)]": the bracket at position 4 holds no index, * or quoted name; write it like $.user.address, $.items[*].note, $.items[0], $["full name"] or $..pin',
  )
  expect(bad.status).toBe(2)
  expect(redact(['-'], '{}').status).toBe(2)
})
