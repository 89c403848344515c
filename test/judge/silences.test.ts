import { createHash } from 'node:crypto'
import { userInfo } from 'node:os'
import { Command, CommanderError } from 'commander'
import type { FastifyInstance } from 'fastify'
import pino from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { alertCommand } from '../../collector/src/cli/alert.ts'
import { parseConfig } from '../../collector/src/config/read.ts'
import { Judge } from '../../collector/src/judge/judge.ts'
import { limits } from '../../collector/src/limits.ts'
import type { Store } from '../../collector/src/store/store.ts'
import { Door } from '../../collector/src/token.ts'
import { webServer } from '../../collector/src/web/server.ts'
import { emptyStore, insertCalls } from './calls.ts'

const token = 'the-admin-token'
const reader = 'the-read-token'
const log = pino({ level: 'silent' })
let store: Store
let close: () => Promise<void>
let judge: Judge
let server: FastifyInstance
let url: string

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const { config } = parseConfig(
  `tokens: [{ name: me, scope: admin, sha256: ${sha256(token)} }, { name: board, scope: read, sha256: ${sha256(reader)} }]
alerts: [{ name: failing, when: error_rate > 5%, service: shop, group_by: [consumer] }]`,
  'test',
  {},
)

beforeAll(async () => {
  ;({ store, close } = await emptyStore())
  judge = new Judge({ store, config: config!, log, externalUrl: () => 'http://collector:4319' })
  const call = { atMs: Date.now() - 7000, outcome: 'server_error' as const }
  await insertCalls(
    store,
    Array.from({ length: 20 }, () => call),
  )
  await judge.judgeAlerts()
  const door = new Door(config!.tokens, ['admin', 'read'])
  server = webServer({ store, routes: [], judge, door, loopback: true, log })
  url = await server.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(async () => {
  await server.close()
  await judge.stop()
  await close()
})
afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = 0
})

async function ask(method: 'GET' | 'POST' | 'DELETE', path: string, payload?: object, as = token) {
  const headers = { authorization: `Bearer ${as}` }
  const answer = await server.inject({ method, url: path, headers, ...(payload === undefined ? {} : { payload }) })
  return { status: answer.statusCode, body: answer.body === '' ? '' : answer.json() }
}

describe('silences by the API', () => {
  it('are added, listed and ended, and stay on record', async () => {
    const before = Date.now()
    const { status, body } = await ask('POST', '/api/v1/silences', {
      matchers: ['service=shop', 'consumer=~"ac.*"'],
      for: '2h',
      author: 'me',
      comment: 'a new disk',
    })
    expect(status).toBe(201)
    expect(body).toMatchObject({
      id: expect.stringMatching(/^sil_/),
      state: 'active',
      matchers: ['service="shop"', 'consumer=~"ac.*"'],
      author: 'me',
      comment: 'a new disk',
      alerts_held: 1,
    })
    expect(Date.parse(body.ends_at) - Date.parse(body.starts_at)).toBe(2 * 3600_000)
    expect(Date.parse(body.starts_at)).toBeGreaterThanOrEqual(before)
    expect((await ask('GET', '/api/v1/silences', undefined, reader)).body.silences).toEqual([body])
    expect((await ask('DELETE', `/api/v1/silences/${body.id}`, undefined, reader)).status).toBe(403)
    expect((await ask('DELETE', `/api/v1/silences/${body.id}`)).status).toBe(204)
    expect((await ask('DELETE', `/api/v1/silences/${body.id}`)).status).toBe(409)
    expect((await ask('DELETE', '/api/v1/silences/none')).status).toBe(404)
    const { silences } = (await ask('GET', '/api/v1/silences')).body
    expect(silences).toMatchObject([{ id: body.id, state: 'expired', alerts_held: 0, comment: 'a new disk' }])
  })

  it('may begin later', async () => {
    const starts_at = new Date(Date.now() + 60_000).toISOString()
    const ends_at = new Date(Date.now() + 120_000).toISOString()
    const { body } = await ask('POST', '/api/v1/silences', { matchers: ['a=b'], starts_at, ends_at, comment: 'c' })
    expect(body).toMatchObject({ state: 'pending', starts_at, ends_at, author: '' })
    expect((await ask('DELETE', `/api/v1/silences/${body.id}`)).status).toBe(204)
  })

  const silence = { matchers: ['service=shop'], for: '1h', comment: 'c' }
  it.each([
    [[], 'send a silence as a JSON object: {"matchers": ["service=\\"shop\\""], "for": "2h", "comment": "…"}'],
    [{ ...silence, comment: ' ' }, '"comment" is missing: say why nobody is told'],
    [{ ...silence, comment: 5 }, '"comment" must be text'],
    [{ ...silence, author: 'x'.repeat(2000) }, '"author" has 2000 characters, more than 1000'],
    [{ ...silence, name: 'x' }, 'unknown key "name"; the keys are matchers, for, starts_at, ends_at, author, comment'],
    [{ ...silence, for: undefined }, 'give either "for", such as "2h", or "ends_at", such as "2026-11-20T03:00:00Z"'],
    [
      { ...silence, for: '2 hours' },
      'for: "2 hours" is not a duration; write a number and a unit (us, ms, s, m, h, d, w): 5m',
    ],
    [{ ...silence, for: undefined, ends_at: '2020-01-01T00:00:00Z' }, 'the silence ends before it begins'],
    [
      { ...silence, for: undefined, starts_at: '2019-01-01T00:00:00Z', ends_at: '2020-01-01T00:00:00Z' },
      'the silence is over already',
    ],
    [
      { ...silence, for: undefined, ends_at: '2099-01-01T00:00:00Z' },
      'a silence lasts at most 400 days; remove the rule instead',
    ],
    [{ ...silence, matchers: [] }, '"matchers" must be a list of 1 to 20 texts, such as "service=\\"shop\\""'],
    [
      { ...silence, matchers: ['service'] },
      'matchers[0]: "service" is not a matcher; write service="shop", service!="shop", operation=~"GET .*" or operation!~"GET .*"',
    ],
    [
      { ...silence, matchers: ['operation=~".*"'] },
      'these matchers fit alerts without these labels, and so nearly every alert: name what is meant',
    ],
  ])('refuses %j', async (body, detail) => {
    expect(await ask('POST', '/api/v1/silences', body)).toMatchObject({ status: 400, body: { detail } })
  })

  it('are bounded', async () => {
    const spy = vi.spyOn(judge, 'silences')
    const one = { id: 'x', matchers: [], startsMs: 0, endsMs: Date.now() + 60_000, author: '', comment: '' }
    spy.mockResolvedValue(Array.from({ length: limits.silences }, () => ({ silence: one, held: 0 })))
    expect(await ask('POST', '/api/v1/silences', silence)).toMatchObject({
      status: 409,
      body: { detail: `there are already ${limits.silences} silences: end one first` },
    })
  })
})

describe('callsight alert silence', () => {
  async function run(...words: string[]) {
    const said = { out: '', err: '' }
    vi.spyOn(console, 'log').mockImplementation((line) => {
      said.out += `${line}\n`
    })
    vi.spyOn(console, 'error').mockImplementation((line) => {
      said.err += `${line}\n`
    })
    const program = new Command().addCommand(alertCommand())
    const every = (command: Command) => {
      command.exitOverride().configureOutput({ writeErr: (text) => (said.err += text) })
      command.commands.forEach(every)
    }
    every(program)
    process.exitCode = 0
    try {
      await program.parseAsync(['alert', 'silence', ...words], { from: 'user' })
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error
      process.exitCode = 2
    }
    const code = process.exitCode
    process.exitCode = 0
    return { ...said, code }
  }

  it('adds, lists and ends one', async () => {
    const there = ['--url', url, '--token', token]
    const added = await run('service=shop', 'severity!=page', '--for', '2h', '--comment', 'a new disk', ...there)
    expect(added).toMatchObject({ err: '', code: 0 })
    const [, id] = /^(sil_\S+) until \S+Z: service="shop", severity!="page"; holds back 1 alert now\n$/.exec(added.out)!
    const listed = await run('list', ...there)
    expect(listed.out).toMatch(
      new RegExp(`^${id}  active  until \\S+  service="shop", severity!="page"  ${userInfo().username}: a new disk`),
    )
    expect(JSON.parse((await run('list', '--json', ...there)).out)).toMatchObject([{ id, state: 'active' }])
    expect(await run('expire', id!, ...there)).toEqual({ out: `ended ${id}\n`, err: '', code: 0 })
    expect((await run('list', ...there)).out).toBe(
      'no silences: callsight alert silence service=NAME --for 2h --comment WHY\n',
    )
    expect((await run('list', '--all', ...there)).out).toContain(`${id}  expired  ended`)
    expect(await run('expire', id!, ...there)).toMatchObject({ code: 1, err: `the silence "${id}" is over\n` })
  })

  it('says what is missing', async () => {
    const there = ['--url', url, '--token', token]
    expect(await run('service=shop', '--comment', 'x', ...there)).toMatchObject({
      code: 2,
      err: "error: required option '--for <duration>' not specified\n",
    })
    expect(await run('service=shop', '--for', '1h', ...there)).toMatchObject({
      code: 2,
      err: "error: required option '--comment <text>' not specified\n",
    })
    expect(await run('shop', '--for', '1h', '--comment', 'x', ...there)).toMatchObject({ code: 1 })
  })
})
