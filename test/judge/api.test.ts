import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { Command, CommanderError } from 'commander'
import type { FastifyInstance } from 'fastify'
import pino from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { alertCommand } from '../../collector/src/cli/alert.ts'
import { parseConfig } from '../../collector/src/config/read.ts'
import { Judge } from '../../collector/src/judge/judge.ts'
import type { Store } from '../../collector/src/store/store.ts'
import { Door } from '../../collector/src/token.ts'
import { webServer } from '../../collector/src/web/server.ts'
import { emptyStore, insertCalls } from './calls.ts'

const token = 'the-admin-token'
const log = pino({ level: 'silent' })
let store: Store
let close: () => Promise<void>
let judge: Judge
let server: FastifyInstance
let url: string

const { config } = parseConfig(
  `tokens: [{ name: me, scope: admin, sha256: ${createHash('sha256').update(token).digest('hex')} }]
consumers: [{ id: acme, plan: gold, time_zone: Europe/Berlin }]
plans: { gold: { quotas: [{ name: monthly, limit: 100, per: month }] } }
objectives: [{ name: fast, service: shop, per: consumer, good: { latency_below: 300ms }, target: 99.5%, window: 7d }]
alerts: [{ name: in-file, when: error_rate > 5%, service: shop, group_by: [consumer] }]
channels: { ops: { webhook: "http://127.0.0.1:9/" } }`,
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
  await judge.judgeObjectives()
  await judge.judgeQuotas()
  const door = new Door(config!.tokens, ['admin'])
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

async function ask(method: 'GET' | 'POST' | 'DELETE', path: string, payload?: object) {
  const headers = { authorization: `Bearer ${token}` }
  const answer = await server.inject({ method, url: path, headers, ...(payload === undefined ? {} : { payload }) })
  return {
    status: answer.statusCode,
    type: answer.headers['content-type'],
    body: answer.body === '' ? '' : answer.json(),
  }
}

const rfc3339 = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)

describe('the API', () => {
  it('gives the alerts that are not over', async () => {
    const { body } = await ask('GET', '/api/v1/alerts')
    expect(body).toEqual({
      alerts: [
        {
          rule: 'in-file',
          fingerprint: expect.stringMatching(/^[0-9a-f]{32}$/),
          labels: { service: 'shop', consumer: 'acme' },
          severity: 'warning',
          state: 'firing',
          when: 'error_rate > 5%',
          value_ratio: 1,
          threshold_ratio: 0.05,
          calls: 20,
          active_since: rfc3339,
          annotations: {},
          silenced_by: [],
          calls_url: expect.stringMatching(
            /^\/api\/v1\/calls\?service=shop&consumer=acme&outcome=server_error%2Ctimeout&from=\d+&to=\d+$/,
          ),
        },
      ],
    })
  })

  it('gives what happened, newest first', async () => {
    const { body } = await ask('GET', '/api/v1/alerts/events?rule=in-file&limit=5')
    expect(body.events).toMatchObject([{ rule: 'in-file', state: 'firing', calls: 20, value: 1, at: rfc3339 }])
    expect((await ask('GET', '/api/v1/alerts/events?rule=other')).body.events).toEqual([])
    expect((await ask('GET', '/api/v1/alerts/events?limit=none')).status).toBe(400)
  })

  it('takes, lists and removes rules, and says every fault of a wrong one', async () => {
    const rule = {
      when: 'p95>300ms',
      service: 'shop',
      operation: 'GET /books/:id',
      notify: ['https://x.example/secret'],
    }
    const added = await ask('POST', '/api/v1/alerts/rules', rule)
    expect(added).toMatchObject({
      status: 201,
      body: {
        name: 'shop-get-books-id-p95-300ms',
        source: 'api',
        when: 'p95 > 300ms',
        threshold_ms: 300,
        over_ms: 300_000,
        for_ms: 0,
        keep_firing_for_ms: 0,
        recover_ms: null,
        min_calls: 10,
        points: { needed: 1, of: 1 },
        confidence_ratio: 0.999,
        no_data: 'ok',
        direction: 'in',
        consumer: null,
        env: null,
        plan: null,
        style: null,
        peer: null,
        group_by: [],
        objective: null,
        quota: null,
        severity: 'warning',
        labels: {},
        annotations: {},
        notify: [expect.stringMatching(/^https:\/\/x\.example\/…[0-9a-f]{8}$/)],
        state: 'inactive',
      },
    })
    expect((await ask('POST', '/api/v1/alerts/rules', rule)).status).toBe(409)
    const { body } = await ask('GET', '/api/v1/alerts/rules')
    expect(body.rules.map(({ name, state }: { name: string; state: string }) => [name, state])).toEqual([
      ['in-file', 'firing'],
      ['shop-get-books-id-p95-300ms', 'inactive'],
    ])
    const wrong = await ask('POST', '/api/v1/alerts/rules', {
      name: 'x',
      when: 'p95 > 5',
      over: '1s',
      notify: ['opps'],
    })
    expect(wrong).toMatchObject({ status: 400, type: expect.stringContaining('application/problem+json') })
    expect(wrong.body.detail).toBe(
      [
        'when: "5" is not a duration; write a number and a unit (us, ms, s, m, h, d, w): 5m',
        'over: "1s" is too short; write at least 10s',
        'notify[0]: there is no channel "opps"; did you mean ops?',
      ].join('\n'),
    )
    expect((await ask('DELETE', '/api/v1/alerts/rules/in-file')).status).toBe(409)
    expect((await ask('DELETE', '/api/v1/alerts/rules/shop-get-books-id-p95-300ms')).status).toBe(204)
    expect((await ask('DELETE', '/api/v1/alerts/rules/shop-get-books-id-p95-300ms')).status).toBe(404)
  })

  it('gives every measure of a rule under a name with its unit', async () => {
    const add = async (rule: Record<string, unknown>) => (await ask('POST', '/api/v1/alerts/rules', rule)).body
    const about = { group_by: ['consumer'] }
    expect(await add({ when: 'error_rate > 5%', recover: '1%', ...about })).toMatchObject({
      threshold_ratio: 0.05,
      recover_ratio: 0.01,
    })
    expect(await add({ when: 'rps < 30/m' })).toMatchObject({ threshold_per_second: 0.5, confidence_ratio: null })
    expect(await add({ when: 'response_bytes_p95 > 64kB' })).toMatchObject({ threshold_bytes: 64_000 })
    expect(await add({ when: 'calls > 1000' })).toMatchObject({ threshold_calls: 1000 })
    expect(await add({ when: 'silence > 10m', ...about })).toMatchObject({ threshold_ms: 600_000 })
    expect(await add({ when: 'burn_rate', objective: 'fast' })).toMatchObject({
      name: 'fast-burn_rate',
      threshold_factor: null,
      over_ms: 3600_000,
      objective: 'fast',
    })
    const { status, body } = await ask('POST', '/api/v1/alerts/rules', { when: 'burn_rate', objective: 'slow' })
    expect([status, body.detail]).toEqual([
      400,
      'objective: there is no objective "slow"; add it under objectives, or use one that is there',
    ])
    for (const { name, source } of (await ask('GET', '/api/v1/alerts/rules')).body.rules) {
      if (source === 'api') await ask('DELETE', `/api/v1/alerts/rules/${name}`)
    }
  })

  it('gives objectives and quotas as judged', async () => {
    const rates = { burn_rate_5m: 200, burn_rate_30m: 200, burn_rate_1h: 200, burn_rate_2h: 200, burn_rate_6h: 200 }
    const burn = { rate: 200, total: 20, bad: 20 }
    const objective = {
      name: 'fast',
      service: 'shop',
      operation: null,
      consumer: null,
      per: 'consumer',
      latency_below_ms: 300,
      failed: ['server_error', 'timeout'],
      not_counted: ['aborted'],
      good_statuses: [],
      target_ratio: 0.995,
      window: '7d',
      window_ms: 604_800_000,
      method: 'occurrences',
      slice_ms: null,
      slice_target_ratio: null,
      empty: null,
      exclude: [],
      min_calls: 10,
      min_bad: 3,
      states: [
        {
          consumer: 'acme',
          at: rfc3339,
          window_start: rfc3339,
          window_end: rfc3339,
          time_zone: null,
          total: 20,
          bad: 20,
          unsure_calls: 0,
          slices: null,
          attainment_ratio: 0,
          attainment_95_percent_interval_ratio: [0, expect.closeTo(0.161, 3)],
          met: false,
          budget_left_ratio: -199,
          budget: { allowed: 0.1, spent: 20, left: -19.9 },
          exhausted_in_s: 0,
          ...rates,
          burn_rate_1d: 200,
          burn_rate_3d: 200,
          burns: [
            { windows: '1h/5m', factor: 3.36, severity: 'page', burning: true, long: burn, short: burn },
            { windows: '6h/30m', factor: 1.4, severity: 'page', burning: true, long: burn, short: burn },
          ],
        },
      ],
    }
    const point = { at: rfc3339, attainment_ratio: 0, budget_left_ratio: -199, burn_rate_1h: 200 }
    const history = [{ consumer: 'acme', points: [point] }]
    expect((await ask('GET', '/api/v1/objectives')).body).toEqual({ objectives: [objective] })
    expect((await ask('GET', '/api/v1/objectives/fast')).body).toEqual({ ...objective, history })
    expect((await ask('GET', '/api/v1/objectives/fast?consumer=bob')).body).toMatchObject({ states: [], history: [] })
    const trial = { latency_below_ms: 250, latency_error_ratio: 0.022 }
    expect((await ask('GET', '/api/v1/objectives/fast?latency_below=250ms')).body.trial).toEqual({
      ...trial,
      states: [{ consumer: 'acme', attainment_ratio: 0, attainment_range_ratio: [0, 0], unsure_calls: 0 }],
    })
    const wrong = await ask('GET', '/api/v1/objectives/fast?latency_below=250')
    expect([wrong.status, wrong.body.detail]).toEqual([
      400,
      'latency_below=250 is not a latency: write a number and a unit, 250ms',
    ])
    expect((await ask('GET', '/api/v1/objectives/slow')).status).toBe(404)
    const quota = {
      quota: 'monthly',
      plan: 'gold',
      consumer: 'acme',
      used: 20,
      allowed: 100,
      used_ratio: 0.2,
      state: 'ok',
    }
    expect((await ask('GET', '/api/v1/quotas')).body).toMatchObject({ quotas: [quota] })
    expect((await ask('GET', '/api/v1/consumers/acme/usage')).body).toMatchObject({
      id: 'acme',
      plan: 'gold',
      time_zone: 'Europe/Berlin',
      month: { start: rfc3339, end: rfc3339, calls: 20 },
      quotas: [quota],
    })
    expect((await ask('GET', '/api/v1/consumers/nobody/usage')).status).toBe(404)
  })
})

describe('callsight alert', () => {
  async function run(...words: string[]): Promise<{ out: string; err: string; code: string | number | undefined }> {
    const said = { out: '', err: '' }
    vi.spyOn(console, 'log').mockImplementation((line) => {
      said.out += `${line}\n`
    })
    vi.spyOn(console, 'error').mockImplementation((line) => {
      said.err += `${line}\n`
    })
    const program = new Command().addCommand(alertCommand())
    const every = [program, ...program.commands, ...program.commands.flatMap((command) => command.commands)]
    for (const command of every) command.exitOverride().configureOutput({ writeErr: (text) => (said.err += text) })
    process.exitCode = 0
    try {
      await program.parseAsync(['alert', ...words], { from: 'user' })
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error
      process.exitCode = 2
    }
    const code = process.exitCode
    process.exitCode = 0
    return { ...said, code }
  }

  it('adds, lists and removes a rule', async () => {
    const there = ['--url', url, '--token', token]
    const about = ['--service', 'shop', '--over', '1m', '--group-by', 'operation,consumer', '--min-calls', '5']
    expect(await run('add', 'p95 > 300ms', ...about, '--name', 'mine', '--notify', 'ops', ...there)).toEqual({
      out: 'added mine: p95 > 300ms\n',
      err: '',
      code: 0,
    })
    expect((await run('list', ...there)).out.split('\n')).toEqual([
      'NAME     STATE     WHEN             OVER  FOR  ABOUT  GROUP BY            NOTIFY  FROM',
      'in-file  firing    error_rate > 5%  300s  0s   shop   consumer            -       file',
      'mine     inactive  p95 > 300ms      60s   0s   shop   consumer,operation  ops     api',
      '',
    ])
    const every = [
      ...['--direction', 'out', '--peer', 'api.example.com', '--env', 'prod', '--points', '2 of 3', '--recover', '1%'],
      ...['--confidence', '95%', '--on-no-data', 'keep', '--label', 'team=shop', '--label', 'tier=a=b'],
      ...['--runbook', 'https://wiki.example.com/x', '--name', 'third'],
    ]
    expect(await run('add', 'error_rate >= 5%', ...every, ...there)).toMatchObject({ code: 0 })
    expect(judge.rules().find(({ rule }) => rule.name === 'third')?.rule).toMatchObject({
      direction: 'out',
      peer: 'api.example.com',
      env: 'prod',
      points: { needed: 2, of: 3 },
      recover: { numerator: 1, denominator: 100 },
      confidence: { text: '95%' },
      noData: 'keep',
      labels: { team: 'shop', tier: 'a=b' },
      annotations: { runbook_url: 'https://wiki.example.com/x' },
    })
    expect((await run('list', ...there)).out).toContain('outgoing prod api.example.com')
    expect(await run('remove', 'third', ...there)).toMatchObject({ code: 0 })
    expect(await run('remove', 'mine', ...there)).toEqual({ out: 'removed mine\n', err: '', code: 0 })
    expect(await run('add', 'p95 > 1s', '--name', 'team a/slow', ...there)).toMatchObject({ code: 0 })
    expect(await run('remove', 'team a/slow', ...there)).toMatchObject({ code: 0, out: 'removed team a/slow\n' })
    expect(await run('remove', 'mine', ...there)).toEqual({ out: '', err: 'there is no alert rule "mine"\n', code: 1 })
  })

  it('says what a faulty rule lacks', async () => {
    const faulty = await run('add', 'p95 > 300ms', '--over', 'long', '--url', url, '--token', token)
    expect(faulty).toMatchObject({ code: 1, err: expect.stringContaining('over: "long" is not a duration') })
    const unreadable = await run('add', 'p97 > 300ms', '--url', url, '--token', token)
    expect(unreadable).toMatchObject({ code: 2, err: expect.stringContaining('"p97" is not a metric') })
  })

  it('needs a token that fits', async () => {
    const { err, code } = await run('list', '--url', url, '--token', 'wrong')
    expect(code).toBe(1)
    expect(err).toContain('Give a token with the scope admin by --token or CALLSIGHT_TOKEN.')
  })

  it('says how to start a collector where none answers', async () => {
    const nobody = createServer().listen(0, '127.0.0.1')
    await once(nobody, 'listening')
    const { port } = nobody.address() as AddressInfo
    await new Promise((resolve) => nobody.close(resolve))
    expect(await run('list', '--url', `http://127.0.0.1:${port}`)).toEqual({
      out: '',
      err: `no collector answers at http://127.0.0.1:${port} (ECONNREFUSED): start one with "callsight up", or name it with --url or CALLSIGHT_URL\n`,
      code: 1,
    })
  })
})
