import { afterAll, beforeAll, expect, it } from 'vitest'
import { digest } from '../../collector/src/token.ts'
import { type ClickHouse, startClickHouse } from '../clickhouse.ts'
import { startCollector, temporaryFolder } from '../program.ts'
import { until } from '../until.ts'

let clickhouse: ClickHouse
beforeAll(async () => {
  clickhouse = await startClickHouse(temporaryFolder())
})
afterAll(() => clickhouse.close())

it('a run with a password, tokens and failing requests logs what failed, and no secret', async () => {
  const password = decodeURIComponent(new URL(clickhouse.url).password)
  const token = 'cs_ingest_verySecretToken123'
  const admin = 'an-admin-token-of-mine'
  const collector = await startCollector({
    config: `tokens:
  - { name: app, scope: ingest, sha256: ${digest(token)} }
  - { name: me, scope: admin, sha256: ${digest(admin)} }
channels:
  ops: { webhook: "http://hook:hookpassword@127.0.0.1:9/path-secret", secret: whsec_c2VjcmV0LWtleQ== }
`,
    args: ['--clickhouse', clickhouse.url, '--log-level', 'trace'],
  })
  // The engine fails with a message that repeats what it was asked with.
  const headers = { authorization: `Bearer ${admin}`, cookie: 'session=cookie-secret' }
  await clickhouse.query('DROP TABLE monitoring.calls_1m')
  const failed = await fetch(`${collector.web}/api/v1/services?token=query-secret`, { headers })
  expect(failed.status).toBe(500)
  const wrong = await fetch(`${collector.web}/api/v1/services`, {
    headers: { authorization: 'Bearer wrong-token-here' },
  })
  expect(wrong.status).toBe(401)
  const sent = await fetch(`${collector.otlp}/v1/traces`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: '{"resourceSpans": "no"}',
  })
  expect(sent.status).toBe(400)
  const failure = await until('the failure in the log', () => {
    const line = collector.stderr.split('\n').find((text) => text.includes('"msg":"a request failed"'))
    return line === undefined ? undefined : (JSON.parse(line) as { error: Record<string, string> })
  })
  await collector.stop()

  expect(failure.error).toMatchObject({
    type: 'ClickHouseError',
    message: expect.stringContaining('calls_1m'),
    stack: expect.stringContaining('\n    at '),
  })
  const encoded = new URL(clickhouse.url).password
  const basic = Buffer.from(`collector:${password}`).toString('base64')
  const secrets = [
    password,
    encoded,
    basic,
    token,
    'verySecretToken',
    admin,
    'wrong-token-here',
    'cookie-secret',
    'query-secret',
    'hookpassword',
    'path-secret',
    'c2VjcmV0',
  ]
  for (const secret of secrets) expect(collector.stderr + collector.stdout).not.toContain(secret)
})
