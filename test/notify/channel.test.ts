import { createHash } from 'node:crypto'
import { Command, CommanderError } from 'commander'
import type { FastifyInstance } from 'fastify'
import pino from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { channelCommand } from '../../collector/src/cli/channel.ts'
import { parseConfig } from '../../collector/src/config/read.ts'
import { Judge } from '../../collector/src/judge/judge.ts'
import type { Store } from '../../collector/src/store/store.ts'
import { timeText } from '../../collector/src/store/time.ts'
import { Door } from '../../collector/src/token.ts'
import { channelRoutes } from '../../collector/src/web/channels.ts'
import { webServer } from '../../collector/src/web/server.ts'
import { emptyStore } from '../judge/calls.ts'
import { type Receiver, startReceiver } from './receiver.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const externalUrl = () => 'http://collector:4319'
let store: Store
let close: () => Promise<void>
let receiver: Receiver
let judge: Judge
let server: FastifyInstance
let url: string

beforeAll(async () => {
  receiver = await startReceiver()
  ;({ store, close } = await emptyStore())
  const { config, faults } = parseConfig(
    `tokens:
  - { name: me, scope: admin, sha256: ${sha256('admin-token')} }
  - { name: you, scope: read, sha256: ${sha256('read-token')} }
channels:
  ops: { webhook: "${receiver.url}/very-secret", secret: hidden-secret }
  chat: { slack: "${receiver.url}/services/very-secret" }
  pager: { pagerduty: { routing_key: very-secret, url: "http://10.1.2.3/" } }`,
    'test',
    {},
  )
  expect(faults).toEqual([])
  const log = pino({ level: 'silent' })
  judge = new Judge({ store, config: config!, log, externalUrl })
  const door = new Door(config!.tokens, ['read', 'admin'])
  server = webServer({
    store,
    routes: [channelRoutes({ judge, store, externalUrl })],
    judge,
    door,
    loopback: true,
    log,
  })
  url = await server.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(async () => {
  await server.close()
  await judge.stop()
  await close()
  await receiver.close()
})
beforeEach(() => {
  receiver.received.length = 0
  receiver.answer = () => ({ status: 200, body: 'ok' })
})
afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = 0
})

async function ask(method: 'GET' | 'POST', path: string, token = 'admin-token', payload?: object) {
  const headers = { authorization: `Bearer ${token}` }
  const answer = await server.inject({ method, url: path, headers, ...(payload === undefined ? {} : { payload }) })
  expect(answer.body).not.toMatch(/very-secret|hidden-secret/)
  return { status: answer.statusCode, body: answer.json() }
}

async function deliveries(rows: { channel: string; atS: number; attempt: number; done: boolean; error: string }[]) {
  const written = rows.map(({ channel, atS, attempt, done, error }, i) => {
    return {
      ts: timeText(Date.UTC(2026, 10, 21) + atS * 1000),
      event_id: `e${i}`,
      channel,
      attempt,
      done,
      status: error === '' ? 200 : 503,
      error,
    }
  })
  await store.insert('alert_deliveries', written, `test-${JSON.stringify(rows)}`)
}

describe('the API', () => {
  it('lists the channels with what came of the last notice, and without their secrets', async () => {
    expect((await ask('GET', '/api/v1/channels', 'read-token')).body.channels[0]).toEqual({
      name: 'ops',
      kind: 'webhook',
      allow_private: false,
      last: null,
    })
    await deliveries([
      { channel: 'ops', atS: 1, attempt: 0, done: false, error: '' },
      { channel: 'ops', atS: 2, attempt: 1, done: false, error: 'HTTP 503' },
      { channel: 'ops', atS: 3, attempt: 2, done: true, error: '' },
      // To be delivered: nothing has come of it.
      { channel: 'ops', atS: 4, attempt: 0, done: false, error: '' },
      { channel: 'chat', atS: 1, attempt: 1, done: true, error: '' },
      { channel: 'chat', atS: 2, attempt: 1, done: false, error: 'HTTP 503' },
      { channel: 'pager', atS: 5, attempt: 3, done: true, error: 'HTTP 400' },
      { channel: 'gone', atS: 5, attempt: 1, done: true, error: '' },
    ])
    const about = { allow_private: false }
    expect((await ask('GET', '/api/v1/channels', 'read-token')).body).toEqual({
      channels: [
        {
          name: 'ops',
          kind: 'webhook',
          ...about,
          last: { at: '2026-11-21T00:00:03.000Z', result: 'delivered', attempts: 2, status: 200, error: '' },
        },
        {
          name: 'chat',
          kind: 'slack',
          ...about,
          last: { at: '2026-11-21T00:00:02.000Z', result: 'failed', attempts: 1, status: 503, error: 'HTTP 503' },
        },
        {
          name: 'pager',
          kind: 'pagerduty',
          ...about,
          last: { at: '2026-11-21T00:00:05.000Z', result: 'given_up', attempts: 3, status: 503, error: 'HTTP 400' },
        },
      ],
    })
  })

  it('sends a test for administrators, and says what the receiver said', async () => {
    expect((await ask('POST', '/api/v1/channels/ops/test', 'read-token', {})).status).toBe(403)
    expect((await ask('POST', '/api/v1/channels/ops/test')).body.detail).toBe('send {} as application/json')
    expect(receiver.received).toEqual([])
    const { body } = await ask('POST', '/api/v1/channels/ops/test', 'admin-token', {})
    expect(body).toEqual({
      channel: 'ops',
      kind: 'webhook',
      delivered: true,
      status: 200,
      error: '',
      took_ms: expect.any(Number),
    })
    expect(JSON.parse(receiver.received[0]!.body)).toMatchObject({
      notification_reason: 'test',
      commonLabels: { alertname: 'callsight-test', channel: 'ops', severity: 'info' },
      commonAnnotations: { summary: 'A test of the channel ops: nothing is wrong' },
    })
    receiver.answer = ({ path }) => ({ status: 404, body: `no ${path}` })
    expect((await ask('POST', '/api/v1/channels/chat/test', 'admin-token', {})).body).toMatchObject({
      delivered: false,
      status: 404,
      error: 'HTTP 404: no …',
    })
  })

  it('knows the channels by name', async () => {
    const { status, body } = await ask('POST', '/api/v1/channels/opps/test', 'admin-token', {})
    expect([status, body.detail]).toEqual([
      404,
      'there is no channel "opps"; the channels of callsight.yaml are: ops, chat, pager',
    ])
  })
})

describe('callsight channel', () => {
  /** What the command prints, and its exit code. */
  async function run(...words: string[]) {
    const out: string[] = []
    vi.spyOn(console, 'log').mockImplementation((line: string) => void out.push(line))
    const err = vi.spyOn(console, 'error').mockImplementation(() => {})
    const program = new Command().addCommand(channelCommand()).exitOverride()
    try {
      await program.parseAsync(['channel', ...words, '--url', url, '--token', 'admin-token'], { from: 'user' })
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error
    }
    return { out, err: err.mock.calls.map(String), code: process.exitCode }
  }

  it('lists them', async () => {
    const { out } = await run('list')
    expect(out.flatMap((text) => text.split('\n')).map((line) => line.split(/ {2,}/).slice(0, 2))).toEqual([
      ['NAME', 'KIND'],
      ['ops', 'webhook'],
      ['chat', 'slack'],
      ['pager', 'pagerduty'],
    ])
    expect(out.join('\n')).toMatch(/given up {2,}HTTP 400$/m)
  })

  it('tries one out', async () => {
    expect((await run('test', 'chat')).out).toEqual([
      expect.stringMatching(/^chat \(slack\) took the test notice: status 200, \d+ ms$/),
    ])
    const { err, code } = await run('test', 'pager')
    expect(code).toBe(1)
    expect(err).toEqual([
      'pager (pagerduty) did not take the test notice: the receiver is at a private address (10.1.2.3), where notices do not go unless allowed; add allow_private: true to its channel, or notices: { allow_private: [10.1.2.3/32] }',
    ])
  })
})
