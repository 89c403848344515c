import { createHash } from 'node:crypto'
import { Command, CommanderError } from 'commander'
import type { FastifyInstance } from 'fastify'
import pino from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { slaCommand } from '../../collector/src/cli/sla.ts'
import { parseConfig } from '../../collector/src/config/read.ts'
import { Judge } from '../../collector/src/judge/judge.ts'
import { Statements } from '../../collector/src/judge/sla/statements.ts'
import type { Store } from '../../collector/src/store/store.ts'
import { Door } from '../../collector/src/token.ts'
import { webServer } from '../../collector/src/web/server.ts'
import { slaRoutes } from '../../collector/src/web/sla.ts'
import { emptyStore, insertCalls } from '../judge/calls.ts'

const [admin, reader] = ['the-admin-token', 'the-reader-token']
const hash = (text: string) => createHash('sha256').update(text).digest('hex')
const year = new Date().getUTCFullYear() + 1
const month = `${year}-09`
let now = Date.UTC(year, 9, 10)
let store: Store
let close: () => Promise<void>
let judge: Judge
let server: FastifyInstance
let url: string

const { config } = parseConfig(
  `tokens:
  - { name: me, scope: admin, sha256: ${hash(admin)} }
  - { name: you, scope: read, sha256: ${hash(reader)} }
consumers:
  - { id: acme, name: '=HYPERLINK("x") <b>Acme</b> & "Co"' }
  - { id: zed, time_zone: Pacific/Kiritimati }
objectives:
  - name: voice
    per: consumer
    target: 99.95%
    window: 30d
    exclude: [{ from: "${year}-09-07T10:20Z", to: "${year}-09-07T11:00Z", reason: "<script>alert(1)</script>" }]
    contract: { formula: twilio, unavailable_below: 95%, credits: [{ below: 99.95%, credit: 5% }] }
  - { name: plain, per: consumer, target: 99%, window: 30d }
  - { name: overall, target: 99%, window: 30d }
`,
  'test',
  {},
)

beforeAll(async () => {
  ;({ store, close } = await emptyStore())
  judge = new Judge({ store, config: config!, log: pino({ level: 'silent' }), externalUrl: () => '' })
  const down = (minutes: number, from: number, weight: number) =>
    Array.from({ length: minutes }, (_, i) => ({
      atMs: Date.UTC(year, 8, 7, 10, from + i),
      outcome: 'timeout' as const,
      operation: '<img src=x>',
      weight,
      traceId: hash(`${from + i}`).slice(0, 32),
    }))
  await insertCalls(store, [...down(30, 0, 1), { atMs: Date.UTC(year, 8, 8), weight: 970 }])
  await insertCalls(store, [{ atMs: Date.UTC(year, 8, 9), consumer: 'bob' }])
  const statements = new Statements({ store, config: () => config!, now: () => now })
  const door = new Door(config!.tokens, ['read', 'admin'])
  const log = pino({ level: 'silent' })
  server = webServer({ store, routes: [slaRoutes(statements)], judge, door, loopback: true, log })
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

async function ask(path: string, method: 'GET' | 'POST' = 'GET', token = admin) {
  const answer = await server.inject({ method, url: path, headers: { authorization: `Bearer ${token}` } })
  const type = String(answer.headers['content-type'])
  return {
    status: answer.statusCode,
    type,
    text: answer.body,
    headers: answer.headers,
    body: type.includes('json') ? answer.json() : undefined,
  }
}

describe('GET /api/v1/consumers/{id}/sla', () => {
  it('gives the statements of a month, with what proves them', async () => {
    const { status, body } = await ask(`/api/v1/consumers/acme/sla?month=${month}`, 'GET', reader)
    expect(status).toBe(200)
    expect(body).toMatchObject({ consumer: 'acme', month, time_zone: 'UTC', missing: [] })
    expect(body.statements).toMatchObject([
      // (43200 - 30 + 10) / 43200
      { objective: 'voice', version: 1, final: true, attained_ratio: 0.99953703, met: true, credit: null },
      // Without a contract, and without exclusions of its own: 970 of 1000 calls.
      { objective: 'plain', version: 1, final: true, attained_ratio: 0.97, met: false, credit: null },
    ])
    const [voice] = body.statements
    expect(voice.made_at).toBe(`${year}-10-10T00:00:00.000Z`)
    expect(voice.checksum).toBe(`sha256:${hash(JSON.stringify(voice.statement))}`)
    expect(voice.statement.bad_slices).toHaveLength(20)
  })

  it('gives one objective, and this month without a month', async () => {
    const { body } = await ask('/api/v1/consumers/acme/sla?objective=plain')
    expect(body.statements).toMatchObject([
      { objective: 'plain', version: null, made_at: null, final: false, met: null },
    ])
  })

  it('says what is wrong', async () => {
    const detail = async (path: string, method: 'GET' | 'POST' = 'GET', token = admin) => {
      const { status, type, body } = await ask(path, method, token)
      expect(type).toContain('application/problem+json')
      return [status, body.detail]
    }
    const base = '/api/v1/consumers/acme/sla'
    expect(await detail(`${base}?month=${year}-13`)).toEqual([400, `"month" is "${year}-13": write it as 2026-11`])
    expect(await detail(`${base}?month=${year}-11`)).toEqual([400, `${year}-11 has not begun in UTC`])
    expect(await detail(`${base}?month=${month}&format=pdf`)).toEqual([400, '"format" is "pdf": use json, csv, html'])
    expect(await detail(`${base}?month=${month}&version=0`)).toEqual([400, '"version" is "0": write a number from 1'])
    expect(await detail(`${base}?month=${month}&version=9`)).toEqual([
      404,
      `there is no version 9 for acme in ${month}`,
    ])
    expect(await detail(`${base}?objective=other`)).toEqual([
      404,
      'there is no objective "other": objectives stand in callsight.yaml',
    ])
    expect(await detail(`${base}?objective=overall`)).toEqual([
      404,
      'the objective "overall" is a promise over all, and none to acme: a statement needs per: consumer',
    ])
    expect(await detail(`/api/v1/consumers/nobody/sla?month=${month}`)).toEqual([
      404,
      `no calls of consumer "nobody" in ${month}, and it is not in callsight.yaml`,
    ])
    expect(await detail(`${base}?month=${year}-08`)).toEqual([
      409,
      [1, 2]
        .map(() => `nothing is known of ${year}-08: the store has no call from before ${year}-09-01 00:00 UTC`)
        .join('\n'),
    ])
    expect(await detail(`${base}?month=${month}`, 'POST', reader)).toEqual([
      403,
      'this token may read; a change needs one of scope admin',
    ])
    expect(await store.query("SELECT count() AS n FROM sla_statements WHERE consumer = 'nobody'")).toEqual([{ n: 0 }])
  })

  it('gives CSV with one line for each objective, which no spreadsheet runs', async () => {
    const { type, text } = await ask(`/api/v1/consumers/acme/sla?month=${month}&format=csv`)
    expect(type).toBe('text/csv; charset=utf-8')
    const [head, voice, plain, end] = text.split('\r\n')
    expect(head).toBe(
      'consumer,month,time_zone,objective,formula,target,attained,met,credit,calls,bad_calls,excluded_calls,slices,bad_slices,final,judged_until,version,made_at,checksum',
    )
    expect(voice).toMatch(
      new RegExp(
        `^acme,${month},UTC,voice,twilio,99.95%,99.953703%,true,,990,20,10,43200,20,true,${year}-10-01T00:00Z,1,\\S+Z,sha256:[0-9a-f]{64}$`,
      ),
    )
    expect(plain).toContain(',plain,calls,99%,97.00%,false,,1000,30,0,')
    expect(end).toBe('')
    const evil = await ask(`/api/v1/consumers/${encodeURIComponent('=1+1')}/sla?month=${month}&format=csv`)
    expect(evil.status).toBe(404)
    await insertCalls(store, [{ atMs: Date.UTC(year, 8, 9), consumer: '=1+"1",2' }])
    const run = await ask(`/api/v1/consumers/${encodeURIComponent('=1+"1",2')}/sla?month=${month}&format=csv`)
    expect(run.text.split('\r\n')[1]).toMatch(/^"'=1\+""1"",2",/)
  })

  it('gives a page of its own: complete, without scripts, and everything escaped', async () => {
    const { type, text, headers } = await ask(`/api/v1/consumers/acme/sla?month=${month}&format=html`)
    expect(type).toBe('text/html; charset=utf-8')
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'unsafe-inline'/)
    expect(text).not.toMatch(/<script|<b>Acme|<img|https?:\/\/|url\(|@import/)
    expect(text).toContain('=HYPERLINK(&#34;x&#34;) &#60;b&#62;Acme&#60;/b&#62; &#38; &#34;Co&#34;')
    expect(text).toContain('&#60;script&#62;alert(1)&#60;/script&#62;')
    expect(text).toContain('(43,200 − 30 + 10) / 43,200 = 99.953703%')
    // Twenty minutes in a row are one piece of bad time.
    expect(text).toContain('Unavailable time: 20 minutes')
    expect(text).toContain('<td class="nowrap">20 minutes</td>')
    expect(text).toContain(`Version 1, made 10 Oct ${year}, 00:00 UTC.`)
    for (let i = 0; i < 3; i++) expect(text).toContain(hash(`${i}`).slice(0, 32))
  })
})

describe('callsight sla', () => {
  async function run(...words: string[]): Promise<{ out: string; err: string; code: string | number | undefined }> {
    const said = { out: '', err: '' }
    vi.spyOn(console, 'log').mockImplementation((line) => {
      said.out += `${line}\n`
    })
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      said.out += text
      return true
    })
    vi.spyOn(console, 'error').mockImplementation((line) => {
      said.err += `${line}\n`
    })
    const program = new Command().addCommand(slaCommand())
    for (const command of [program, ...program.commands]) {
      command.exitOverride().configureOutput({ writeErr: (text) => (said.err += text) })
    }
    process.exitCode = 0
    try {
      await program.parseAsync(['sla', ...words, '--url', url, '--token', admin], { from: 'user' })
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error
      process.exitCode = 2
    }
    const code = process.exitCode
    process.exitCode = 0
    vi.restoreAllMocks()
    return { ...said, code }
  }

  it('tells one statement', async () => {
    const { out, err, code } = await run('voice', '--consumer', 'acme', '--month', month)
    expect({ err, code }).toEqual({ err: '', code: 0 })
    const lines = out.split('\n')
    expect(lines.slice(0, 10)).toEqual([
      `=HYPERLINK("x") <b>Acme</b> & "Co" (acme), ${month}, UTC`,
      '',
      'voice',
      '  attained  99.953703% of 99.95% promised: kept',
      '  credit    none',
      '  formula   twilio',
      '  calls     990 judged, 20 bad, 10 excluded',
      '  slices    43200 counted, 20 bad, 43169 empty',
      `  state     final, version 1 of ${year}-10-10T00:00:00.000Z`,
      `  recorded  since ${year}-09-07T10:00Z`,
    ])
    expect(lines[10]).toMatch(/^ {2}checksum {2}sha256:[0-9a-f]{64}$/)
    expect(lines[11]).toBe(`  bad       ${year}-09-07T10:00Z 1 of 1 calls, trace ${hash('0').slice(0, 32)}`)
    expect(lines.at(-2)).toBe('  and 10 more bad slices: --format html or json')
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(100)
  })

  it('lists all consumers, those whose month has begun', async () => {
    const { out } = await run('--month', month)
    expect(out.split('\n')).toEqual([
      month,
      'CONSUMER  OBJECTIVE  TARGET  ATTAINED                CREDIT  STATE',
      'acme      voice      99.95%  99.953703%  kept        -       v1',
      'acme      plain      99%     97.00%      NOT KEPT    -       v1',
      'zed       voice      99.95%  100.00%     kept        -       v1',
      'zed       plain      99%     -           no verdict  -       v1',
      '=1+"1",2  voice      99.95%  100.00%     kept        -       v1',
      '=1+"1",2  plain      99%     100.00%     kept        -       v1',
      'bob       voice      99.95%  100.00%     kept        -       v1',
      'bob       plain      99%     100.00%     kept        -       v1',
      '',
    ])
    const csv = await run('--month', month, '--format', 'csv')
    expect(csv.out.split('\r\n')).toHaveLength(10)
  })

  it('makes a new version when it is asked to, and shows an old one', async () => {
    await insertCalls(store, [{ atMs: Date.UTC(year, 8, 8, 1), outcome: 'timeout' }])
    now += 60_000
    expect((await run('voice', '--consumer', 'acme', '--month', month, '--recompute')).out).toContain(
      `99.951388% of 99.95% promised: kept`,
    )
    const again = await run('voice', '--consumer', 'acme', '--month', month, '--recompute')
    expect(again.out).toContain(`final, version 2 of ${year}-10-10T00:01:00.000Z`)
    const first = await run('voice', '--consumer', 'acme', '--month', month, '--version', '1', '--format', 'json')
    expect(JSON.parse(first.out).statements).toMatchObject([{ version: 1, attained_ratio: 0.99953703 }])
    const page = await run('--consumer', 'acme', '--month', month, '--format', 'html')
    expect(page.out).toMatch(/^<!doctype html>[\s\S]+Version 2, made [\s\S]+<\/html>\n$/)
  })

  it('says what it needs', async () => {
    expect(await run('--format', 'html')).toEqual({
      out: '',
      err: '--format html is for one consumer: add --consumer ID\n',
      code: 1,
    })
    expect((await run('--recompute')).err).toBe('--recompute is for one consumer: add --consumer ID\n')
    expect((await run('--consumer', 'acme', '--recompute', '--version', '1')).err).toBe(
      '--version gives what is kept, --recompute makes it anew: choose one\n',
    )
    expect(await run('--month', 'November')).toMatchObject({
      code: 2,
      err: expect.stringContaining('Write it as 2026-11.'),
    })
    expect(await run('--format', 'pdf')).toMatchObject({ code: 2 })
    expect(await run('--consumer', 'nobody', '--month', month)).toEqual({
      out: '',
      err: `no calls of consumer "nobody" in ${month}, and it is not in callsight.yaml\n`,
      code: 1,
    })
    expect((await run('--consumer', 'acme', '--month', '2020-01')).err).toMatch(/^nothing is known of 2020-01: /)
  })
})
