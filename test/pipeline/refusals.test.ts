import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { callsightProgram, freePorts, inStore, Program, startCollector, temporaryFolder } from '../program.ts'

const now = BigInt(Date.now()) * 1_000_000n
const good = (spanId: string) =>
  JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] },
        scopeSpans: [
          {
            spans: [
              {
                traceId: 'ab'.repeat(16),
                spanId,
                kind: 2,
                startTimeUnixNano: String(now),
                endTimeUnixNano: String(now + 1_000_000n),
                attributes: [{ key: 'http.request.method', value: { stringValue: 'GET' } }],
              },
            ],
          },
        ],
      },
    ],
  })

const post = (otlp: string, body: string, headers: Record<string, string> = {}) =>
  fetch(`${otlp}/v1/traces`, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })

it('garbage gets 400 with a Status, and the next good body is stored', async () => {
  const collector = await startCollector()
  const protobuf = await post(collector.otlp, 'complete garbage', { 'content-type': 'application/x-protobuf' })
  expect([protobuf.status, protobuf.headers.get('content-type')]).toEqual([400, 'application/x-protobuf'])
  expect(await protobuf.text()).toContain('not an OTLP protobuf message')
  const json = await post(collector.otlp, '{"resourceSpans":[{"scopeSpans":7}]}')
  expect(json.status).toBe(400)
  expect(await json.json()).toEqual({ code: 3, message: 'not OTLP JSON: resourceSpans[0].scopeSpans must be a list' })
  expect((await post(collector.otlp, good('01'.repeat(8)))).status).toBe(200)
  expect((await post(collector.otlp, good('01'.repeat(8)))).status).toBe(200)
  await collector.stop()
  await inStore(collector.data, async (store) => {
    expect(await store.query('SELECT service, count() AS n FROM calls GROUP BY service')).toEqual([
      { service: 'shop', n: 1 },
    ])
  })
})

it('a kill -9 right after the answer loses nothing that was acknowledged', async () => {
  const data = join(temporaryFolder(), 'data')
  let acknowledged = 0
  for (let round = 0; round < 4; round++) {
    const collector = await startCollector({ data })
    const sends = Array.from({ length: 20 }, (_, i) =>
      post(collector.otlp, good(`${round + 1}${String(i).padStart(2, '0')}`.padStart(16, '0'))),
    )
    for (const response of await Promise.all(sends)) if (response.status === 200) acknowledged++
    await collector.kill()
  }
  expect(acknowledged).toBe(80)
  const collector = await startCollector({ data })
  await collector.stop()
  await inStore(data, async (store) => {
    expect(await store.query('SELECT count() AS n FROM calls')).toEqual([{ n: 80 }])
    expect(await store.query('SELECT sum(calls) AS n FROM calls_15m')).toEqual([{ n: 80 }])
  })
}, 90_000)

it('a wrong token gets 401, the right one is taken, and listeners for others need one', async () => {
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
  const config = `
tokens:
  - { name: shop, scope: ingest, sha256: "${sha256('right')}" }
  - { name: people, scope: read, sha256: "${sha256('reader')}" }
`
  const collector = await startCollector({ config })
  for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: 'Bearer reader' }]) {
    const response = await post(collector.otlp, good('02'.repeat(8)), headers as Record<string, string>)
    expect(response.status).toBe(401)
    expect(await response.json()).toMatchObject({ code: 16 })
  }
  expect((await post(collector.otlp, good('02'.repeat(8)), { authorization: 'Bearer right' })).status).toBe(200)
  expect((await fetch(`${collector.web}/api/v1/services`)).status).toBe(401)
  const page = await fetch(`${collector.web}/api/v1/services`, { headers: { authorization: 'Bearer reader' } })
  expect(page.status).toBe(200)
  const rule = await fetch(`${collector.web}/api/v1/alerts/rules`, {
    method: 'POST',
    body: '{"name":"x","when":"p95 > 1s","over":"1m"}',
    headers: { authorization: 'Bearer reader', 'content-type': 'application/json' },
  })
  expect(rule.status).toBe(403)
  await collector.stop()

  const open = new Program([
    callsightProgram,
    'up',
    '--data',
    join(temporaryFolder(), 'd'),
    ...freePorts,
    '--otlp',
    '0.0.0.0:0',
  ])
  expect((await open.ended).code).toBe(1)
  expect(open.stderr).toContain(
    'OTLP on 0.0.0.0:0 could be reached by others, and no token of scope ingest or admin is configured.',
  )
})

it('a faulty callsight.yaml names every fault with its place and starts nothing', async () => {
  const file = join(temporaryFolder(), 'callsight.yaml')
  writeFileSync(
    file,
    `tokens:
  - { name: a, scope: ingestt, sha256: "${'0'.repeat(64)}" }
objectives:
  - name: fast
    target: 120%
    window: 30d
alerts:
  - name: slow
    when: p95 >> 300ms
    over: 5m
    notify: [nobody]
colour: blue
`,
  )
  const program = new Program([callsightProgram, 'up', '--config', file, ...freePorts])
  expect(await program.ended).toEqual({ code: 1, signal: null })
  expect(program.stdout).toBe('')
  const places = program.stderr
    .split('\n')
    .flatMap((line) => /^\S+callsight\.yaml:(\d+):(\d+): (\S+): /.exec(line)?.slice(1).join(' ') ?? [])
  expect(places).toEqual([
    '2 23 tokens[0].scope',
    '5 13 objectives[0].target',
    '9 11 alerts[0].when',
    '11 14 alerts[0].notify[0]',
    '12 1 colour',
  ])
  const check = new Program([callsightProgram, 'check', file])
  expect((await check.ended).code).toBe(1)
  for (const line of program.stderr.split('\n').slice(0, 5)) expect(check.stdout + check.stderr).toContain(line)
})

it('a taken port says which one, and how to choose another', async () => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as AddressInfo
  const start = async (flag: string) => {
    const data = join(temporaryFolder(), 'data')
    const taken = [...freePorts, flag, `127.0.0.1:${port}`]
    const program = new Program([callsightProgram, 'up', '--data', data, ...taken, '--log-level', 'silent'])
    expect(await program.ended).toEqual({ code: 1, signal: null })
    return program.stderr
  }
  expect(await start('--otlp')).toBe(
    `callsight: cannot listen on 127.0.0.1:${port} for OTLP: the port is taken.\nStop what uses it, or choose another port with --otlp HOST:PORT (port 0 takes a free one).\n`,
  )
  expect(await start('--web')).toBe(
    `callsight: cannot listen on 127.0.0.1:${port} for the viewer: the port is taken.\nStop what uses it, or choose another port with --web HOST:PORT (port 0 takes a free one).\n`,
  )
  expect(await start('--otlp-grpc')).toBe(
    `callsight: cannot listen on 127.0.0.1:${port} for OTLP/gRPC: the port is taken.\nStop what uses it, or choose another port with --otlp-grpc HOST:PORT (port 0 takes a free one).\n`,
  )
  other.close()
})

it('a folder in use by another collector is refused in plain words', async () => {
  const collector = await startCollector()
  const second = new Program([callsightProgram, 'up', '--data', collector.data, ...freePorts])
  expect((await second.ended).code).toBe(1)
  const said = `the folder ${collector.data} is in use by the collector at ${collector.web} (process ${collector.child.pid}).`
  expect(second.stderr).toContain(`${said}\nStop it, or choose another folder with --data DIR.`)
  await collector.stop()
})

it('wrong usage ends with 2', async () => {
  for (const args of [['sideways'], ['up', '--otlp', 'nowhere'], ['demo', '--seconds', 'soon'], ['token', 'create']]) {
    const program = new Program([callsightProgram, ...args])
    expect((await program.ended).code, args.join(' ')).toBe(2)
    expect(program.stderr).not.toBe('')
  }
})
