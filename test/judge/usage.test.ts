import { createHash } from 'node:crypto'
import { Command, CommanderError } from 'commander'
import type { FastifyInstance } from 'fastify'
import pino from 'pino'
import { parseList } from 'structured-headers'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { usageCommand } from '../../collector/src/cli/usage.ts'
import { parseConfig } from '../../collector/src/config/read.ts'
import { Judge } from '../../collector/src/judge/judge.ts'
import type { Store } from '../../collector/src/store/store.ts'
import { Door } from '../../collector/src/token.ts'
import { webServer } from '../../collector/src/web/server.ts'
import { emptyStore, insertCalls } from './calls.ts'

const token = 'the-admin-token'
const reader = 'the-reading-token'
const log = pino({ level: 'silent' })
const hash = (text: string) => createHash('sha256').update(text).digest('hex')
let store: Store
let close: () => Promise<void>
let judge: Judge
let server: FastifyInstance
let url: string
let nowMs = Date.now()

const { config } = parseConfig(
  `tokens:
  - { name: me, scope: admin, sha256: ${hash(token)} }
  - { name: board, scope: read, sha256: ${hash(reader)} }
consumers:
  - { id: acme, plan: gold, time_zone: Europe/Berlin }
  - { id: quiet, plan: gold }
  - { id: nobody-special }
plans:
  gold:
    quotas:
      - { name: monthly, limit: 1000, per: month, kind: hard }
      - { name: données, limit: 5000000, per: week, meter: bytes }
      - { name: sliding, limit: 15, per: 2d, window: rolling }`,
  'test',
  {},
)

beforeAll(async () => {
  ;({ store, close } = await emptyStore())
  judge = new Judge({ store, config: config!, log, externalUrl: () => 'http://collector:4319', now: () => nowMs })
  const call = { atMs: nowMs - 7000 }
  await insertCalls(
    store,
    Array.from({ length: 20 }, () => call),
  )
  await judge.judgeQuotas()
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

async function ask(method: 'GET' | 'POST', path: string, payload?: object, as = token) {
  const headers = { authorization: `Bearer ${as}` }
  const answer = await server.inject({ method, url: path, headers, ...(payload === undefined ? {} : { payload }) })
  return { status: answer.statusCode, headers: answer.headers, body: answer.json() }
}

const usage = async (consumer = 'acme') => (await ask('GET', `/api/v1/consumers/${consumer}/usage`)).body
const corrections = '/api/v1/consumers/acme/usage/corrections'
const rfc3339 = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)

describe('the use of a consumer', () => {
  it('is told with its quotas, its lag and its limits as structured fields', async () => {
    const { headers, body } = await ask('GET', '/api/v1/consumers/acme/usage')
    expect(body).toMatchObject({
      id: 'acme',
      plan: 'gold',
      time_zone: 'Europe/Berlin',
      month: { start: rfc3339, end: rfc3339, calls: 20 },
      quotas: [
        {
          quota: 'monthly',
          plan: 'gold',
          consumer: 'acme',
          per: 'month',
          window: 'calendar',
          meter: 'calls',
          kind: 'hard',
          used: 20,
          counted: 20,
          corrected: 0,
          allowed: 1000,
          remaining: 980,
          used_ratio: 0.02,
          state: 'ok',
          forecast: null,
          thresholds: ['50%', '80%', '90%', '100%'],
          corrections: [],
        },
        { quota: 'données', used: 0, meter: 'bytes' },
        { quota: 'sliding', used: 20, allowed: 15, remaining: 0, state: 'over', window: 'rolling' },
      ],
    })
    expect(body.lag_s).toBeGreaterThanOrEqual(5)
    expect(body.lag_s).toBeLessThan(120)
    expect([headers['ratelimit-policy'], headers.ratelimit]).toEqual([body.rate_limit_policy, body.rate_limit])
    const month = body.quotas[0]
    const seconds = (Date.parse(month.period_end) - Date.parse(month.period_start)) / 1000
    const week = (Date.parse(body.quotas[1].period_end) - Date.parse(body.quotas[1].period_start)) / 1000
    expect(parseList(body.rate_limit_policy)).toEqual([
      ['monthly', new Map(Object.entries({ q: 1000, w: seconds }))],
      ['donn%C3%A9es', new Map(Object.entries({ q: 5000000, qu: 'content-bytes', w: week }))],
      ['sliding', new Map(Object.entries({ q: 15, w: 2 * 86_400 }))],
    ])
    const limits = parseList(body.rate_limit) as unknown as [string, Map<string, number>][]
    expect(limits.map(([name, parameters]) => [name, parameters.get('r')])).toEqual([
      ['monthly', 980],
      ['donn%C3%A9es', 5000000],
      ['sliding', 0],
    ])
    expect(limits[0]![1].get('t')).toBeLessThanOrEqual(seconds)
    expect(limits[0]![1].get('t')).toBeGreaterThan(0)
    expect(limits[2]![1].has('t')).toBe(false)
  })

  it('of a known consumer is answered without asking the store', async () => {
    const asked = [vi.spyOn(store, 'ask'), vi.spyOn(store, 'query'), vi.spyOn(store, 'askColumns')]
    for (let i = 0; i < 1000; i++) {
      const consumer = ['acme', 'quiet', 'nobody-special'][i % 3]!
      expect((await ask('GET', `/api/v1/consumers/${consumer}/usage`)).status).toBe(200)
    }
    for (const spy of asked) expect(spy).not.toHaveBeenCalled()
    expect(await usage('quiet')).toMatchObject({ month: { calls: 0 }, quotas: [{ used: 0 }, {}, {}] })
    const plain = await ask('GET', '/api/v1/consumers/nobody-special/usage')
    expect(plain.body).toMatchObject({ plan: null, quotas: [], rate_limit: '' })
    expect(plain.headers).not.toHaveProperty('ratelimit')
    expect((await ask('GET', '/api/v1/consumers/unknown/usage')).status).toBe(404)
  })
})

describe('a correction', () => {
  const wanted = { amount: -8, reason: 'test traffic of ours', actor: 'kim', key: 'ticket-17' }

  it('counts at once, is listed, and is one for one key', async () => {
    const first = await ask('POST', corrections, wanted)
    expect(first).toMatchObject({
      status: 201,
      body: { consumer: 'acme', quota: 'monthly', at: rfc3339, made_at: rfc3339, ...wanted },
    })
    const { quotas } = await usage()
    expect(quotas[0]).toMatchObject({ used: 12, counted: 20, corrected: -8, corrections: [first.body] })
    expect(quotas[2]).toMatchObject({ used: 20, corrections: [] })

    const again = await Promise.all([1, 2, 3].map(() => ask('POST', corrections, { ...wanted, quota: 'monthly' })))
    for (const { status, body } of again) expect([status, body]).toEqual([201, first.body])
    expect((await usage()).quotas[0].used).toBe(12)
    const other = await ask('POST', corrections, { ...wanted, amount: -9 })
    expect(other.status).toBe(409)
    expect(other.body.detail).toBe(
      `the key "ticket-17" stands for another correction: -8 of monthly by kim, "test traffic of ours", made ${first.body.made_at}; a new one needs a new key`,
    )
    expect(await store.query('SELECT amount FROM quota_corrections')).toHaveLength(1)
  })

  it('of two at the same moment with one key is made once', async () => {
    const answers = await Promise.all(
      [1, 2].map((amount) => ask('POST', corrections, { ...wanted, amount, key: 'race', quota: 'sliding' })),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409])
  })

  it('is kept over a restart, and never makes a use negative', async () => {
    await ask('POST', corrections, { ...wanted, amount: -500, key: 'too much' })
    expect((await usage()).quotas[0]).toMatchObject({ used: 0, counted: 20, corrected: -508, used_ratio: 0 })
    const next = new Judge({ store, config: config!, log, externalUrl: () => '', now: () => nowMs })
    await next.judgeQuotas()
    expect(next.usage('acme')!.quotas[0]!.standing).toMatchObject({ used: 0, corrected: -508 })
    await next.stop()
    await ask('POST', corrections, { ...wanted, amount: 500, key: 'put back' })
    expect((await usage()).quotas[0].used).toBe(12)
  })

  it('of a closed period is added to that one', async () => {
    const { quotas } = await usage()
    const lastMonth = new Date(Date.parse(quotas[0].period_start) - 1000).toISOString()
    await ask('POST', corrections, { ...wanted, amount: 3, key: 'last month', at: lastMonth })
    // After a judgement that took long the next one waits.
    nowMs += 60_000
    await judge.judgeQuotas()
    const [monthly] = (await usage()).quotas
    expect(monthly.used).toBe(12)
    expect(monthly.closed).toMatchObject([
      {
        period_end: quotas[0].period_start,
        used: 3,
        counted: 0,
        late: 0,
        corrected: 3,
        allowed: 1000,
        closed_at: rfc3339,
      },
    ])
  })

  it.each([
    [[], 400, 'send a correction as a JSON object: {"amount": -1000, "reason": …, "actor": …, "key": …}'],
    [{ ...wanted, amount: 0 }, 400, 'amount is not a whole number other than 0: -1000 takes away, 1000 adds'],
    [{ ...wanted, amount: '5' }, 400, 'amount is not a whole number other than 0: -1000 takes away, 1000 adds'],
    [{ ...wanted, reason: ' ' }, 400, 'reason is missing: write some text'],
    [{ ...wanted, key: undefined }, 400, 'key is missing: write some text'],
    [{ ...wanted, key: 'x'.repeat(201) }, 400, 'key is longer than 200 characters: write less'],
    [{ ...wanted, amonut: 1 }, 400, 'unknown key "amonut"; the keys here are quota, amount, reason, actor, key, at'],
    [
      { ...wanted, at: '2090-01-01T00:00:00Z' },
      400,
      'at is in the future: name a time in the period that is to be corrected',
    ],
    [{ ...wanted, quota: 'yearly' }, 404, '"acme" has no quota "yearly"; it has monthly, données, sliding'],
  ])('that is faulty is refused: %j', async (body, status, detail) => {
    expect(await ask('POST', corrections, body)).toMatchObject({ status, body: { detail } })
  })

  it('needs a consumer that has quotas, and a token that may change things', async () => {
    const none = await ask('POST', '/api/v1/consumers/nobody-special/usage/corrections', wanted)
    expect(none).toMatchObject({
      status: 404,
      body: { detail: '"nobody-special" has no quota: give it a plan in callsight.yaml' },
    })
    expect((await ask('POST', corrections, { ...wanted, key: 'k' }, reader)).status).toBe(403)
  })
})

describe('callsight usage', () => {
  async function run(...words: string[]): Promise<{ out: string; err: string; code: string | number | undefined }> {
    const said = { out: '', err: '' }
    vi.spyOn(console, 'log').mockImplementation((line) => {
      said.out += `${line}\n`
    })
    vi.spyOn(console, 'error').mockImplementation((line) => {
      said.err += `${line}\n`
    })
    const program = new Command().addCommand(usageCommand())
    for (const command of [program, ...program.commands]) {
      command.exitOverride().configureOutput({ writeErr: (text) => (said.err += text) })
    }
    process.exitCode = 0
    try {
      await program.parseAsync(['usage', ...words, '--url', url, '--token', token], { from: 'user' })
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error
      process.exitCode = 2
    }
    const code = process.exitCode
    process.exitCode = 0
    return { ...said, code }
  }

  it('shows every quota, or those of one consumer', async () => {
    const all = await run()
    expect(all.code).toBe(0)
    expect(all.out.split('\n')[0]).toBe(
      'CONSUMER  QUOTA    PER    USED    ALLOWED      %  FORECAST  EXHAUSTED ON (UTC)',
    )
    expect(all.out).toContain('quiet     monthly  month     0      1,000    0.0  -         -\n')
    expect(all.out).toMatch(/^acme +sliding +2d +\d+ +15 +\d+\.\d +- +now$/m)
    const one = await run('acme')
    expect(one.out).not.toContain('quiet')
    expect(JSON.parse((await run('acme', '--json')).out)).toMatchObject({ id: 'acme', quotas: [{}, {}, {}] })
    expect((await run('nobody-special')).out).toBe(
      'no quotas; 0 calls this month: docs/quotas.md tells how to set them\n',
    )
  })

  it('corrects a use', async () => {
    const words = [
      'acme',
      '--correct',
      '-2',
      '--reason',
      'a test',
      '--key',
      'cli-1',
      '--quota',
      'monthly',
      '--actor',
      'kim',
    ]
    const first = await run(...words)
    expect(first).toMatchObject({ code: 0, err: '' })
    expect(first.out).toMatch(/^corrected monthly of acme by -2 \(made \d{4}-.*Z\)\n$/)
    expect(await run(...words)).toEqual(first)
    expect((await usage()).quotas[0].used).toBe(10)
    const taken = await run(...words.map((word) => (word === '-2' ? '-3' : word)))
    expect(taken).toMatchObject({ code: 1, err: expect.stringContaining('the key "cli-1" stands for another') })
  })

  it.each([
    [['acme', '--correct', 'lots'], 'write a whole number other than 0: -1000 takes away, 1000 adds'],
    [['--correct', '5', '--reason', 'r', '--key', 'k'], '--correct needs a consumer: callsight usage CONSUMER'],
    [['acme', '--correct', '5', '--reason', 'r'], '--correct needs --key'],
  ])('%j is wrong usage', async (words, words2) => {
    const { code, err } = await run(...words)
    expect([code, err]).toEqual([2, expect.stringContaining(words2)])
  })
})
