import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { digest } from '../../collector/src/token.ts'
import { startClickHouse } from '../clickhouse.ts'
import { callsightProgram, inStore, Program, startCollector, temporaryFolder } from '../program.ts'

// Each test starts several programs.
vi.setConfig({ testTimeout: 120_000 })

/** Free ports, so that what runs on this machine is nobody's concern. */
const listen = 'listen: { otlp: "127.0.0.1:0", grpc: "127.0.0.1:0", web: "127.0.0.1:0" }\n'

async function doctor(args: string[], config = listen, env: Record<string, string> = {}) {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'callsight.yaml'), config)
  const program = new Program([callsightProgram, 'doctor', '--config', 'callsight.yaml', ...args], { cwd: folder, env })
  const { code } = await program.ended
  return { code, text: program.stdout, stderr: program.stderr, folder }
}

/** The lines of one check. */
function lines(text: string, name: string): string[] {
  const all = text.split('\n')
  return all.flatMap((line, i) => {
    if (!new RegExp(`^(ok|warn|FAIL) +${name} {2}`).test(line)) return []
    const remedy = /^ +→ /.test(all[i + 1] ?? '') ? [all[i + 1]!.trim()] : []
    return [line.replace(/ +/g, ' '), ...remedy]
  })
}

it('finds a new machine in order, and leaves no store behind', async () => {
  const { code, text, stderr, folder } = await doctor([])
  const shown = text
    .replace(/^(.*node +).*$/m, '$1…')
    .replace(/\d[\d.]* (bytes|[KMGT]iB)/g, 'SIZE')
    .replace(/\(\d+ ms\)/, '(N ms)')
    .replace(/ClickHouse \d[\d.]*, embedded:.*$/m, 'ClickHouse VERSION, embedded:…')
    .replaceAll(folder, 'HERE')
  expect(stderr).toBe('')
  expect(shown).toBe(`ok    configuration  callsight.yaml is fine
ok    node           …
ok    disk space     SIZE free in HERE/callsight-data
ok    fsync          not tried: HERE/callsight-data is made by "callsight up"
ok    tokens         none, and none is needed on loopback
ok    port otlp      127.0.0.1:0 takes a free one
ok    port grpc      127.0.0.1:0 takes a free one
ok    port web       127.0.0.1:0 takes a free one
ok    engine         ClickHouse VERSION, embedded:…
ok    exactly-once   a repeated insert counts once, through two views (N ms)
ok    migrations     no tables yet: "callsight up" makes them
ok    clock          ClickHouse's is within a second of ours
ok    memory         the engine uses SIZE of at most SIZE; there are SIZE
ok    spool          nothing waits
ok    dead letters   none
15 checks: 15 ok, 0 to look at, 0 failed
`)
  expect(code).toBe(0)
  expect(existsSync(join(folder, 'callsight-data'))).toBe(false)
})

it('names a faulty configuration and stops there', async () => {
  const { code, text } = await doctor([], 'tokens: 7\nalerts: [{ name: x, when: p95 > 1s, over: x }]\n')
  expect(lines(text, 'configuration')).toEqual([
    'FAIL configuration callsight.yaml has 2 faults; the first, in line 1: tokens: is not a list; write [a, b] or one "- a" a line',
    '→ "callsight check callsight.yaml" names them all',
  ])
  expect(text).toContain('2 checks: 1 ok, 0 to look at, 1 failed')
  expect(code).toBe(1)
})

it('asks the collector that runs, with a token where it wants one, and sees when it is gone', async () => {
  const token = 'a-token-for-reading'
  const of = (name: string, secret: string) => `{ name: ${name}, scope: read, sha256: ${digest(secret)} }`
  const tokens = `${listen}tokens: [${of('me', token)}, ${of('nobody', 'x')}]\n`
  const collector = await startCollector({ config: tokens })
  const args = ['--data', collector.data]
  expect(JSON.parse(readFileSync(join(collector.data, 'collector.json'), 'utf8'))).toEqual({
    pid: collector.child.pid,
    started_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    otlp: collector.otlp,
    grpc: expect.stringMatching(/:\d+$/),
    web: collector.web,
  })

  const refused = await doctor(args, tokens)
  expect(lines(refused.text, 'collector')).toEqual([
    `FAIL collector process ${collector.child.pid} has ${collector.data} and wants a token to tell how it is`,
    '→ Give one of scope read or admin with --token or CALLSIGHT_TOKEN',
  ])
  expect(refused.code).toBe(1)

  const told = await doctor([...args, '--json'], tokens, { CALLSIGHT_TOKEN: token })
  const { status, checks } = JSON.parse(told.text) as { status: string; checks: { name: string; found: string }[] }
  expect({ status, code: told.code }).toEqual({ status: 'ok', code: 0 })
  expect(checks.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['collector', 'fsync', 'exactly-once', 'migrations', 'agents’ clocks', 'spool']),
  )

  expect(checks.at(-1)).toMatchObject({ name: 'tokens in use', found: 'not used since the start: nobody' })

  // Killed, it leaves its file; its store can be looked at directly then.
  await collector.kill()
  expect(existsSync(join(collector.data, 'collector.json'))).toBe(true)
  const alone = await doctor(args, tokens)
  expect(lines(alone.text, 'collector')).toEqual([])
  expect(lines(alone.text, 'migrations')).toEqual([expect.stringMatching(/^ok migrations all \d+ applied$/)])
  expect(alone.code).toBe(0)

  const again = await startCollector({ config: tokens, data: collector.data })
  await again.stop()
  expect(existsSync(join(collector.data, 'collector.json'))).toBe(false)
})

it('says so when a folder is taken by a process that does not tell of itself', async () => {
  const collector = await startCollector({ config: listen })
  writeFileSync(join(collector.data, 'collector.json'), '{')
  const { code, text } = await doctor(['--data', collector.data])
  expect(lines(text, 'engine')[0]).toMatch(/^FAIL engine cannot open the embedded store in /)
  expect(lines(text, 'engine')[1]).toContain('Is another collector using this folder?')
  expect(code).toBe(1)
  await collector.stop()
})

it('fails, and so does the start, when a window is missing; unless double counting is accepted', async () => {
  const collector = await startCollector({ config: listen })
  await collector.stop()
  const { data } = collector
  await inStore(data, (store) =>
    store.command('ALTER TABLE calls_1m MODIFY SETTING non_replicated_deduplication_window = 0'),
  )
  const alter = 'ALTER TABLE calls_1m MODIFY SETTING non_replicated_deduplication_window = 10000'
  const window =
    'table calls_1m: it remembers 0 blocks, so a repeated insert may count twice (non_replicated_deduplication_window; the views calls_15m_feed and operations_1m_feed read it)'

  const broken = await doctor(['--data', data])
  expect(lines(broken.text, 'exactly-once').slice(0, 2)).toEqual([`FAIL exactly-once ${window}`, `→ ${alter}`])
  expect(broken.code).toBe(1)

  const refused = new Program([callsightProgram, 'up', '--data', data, '--otlp', '127.0.0.1:0', '--web', '127.0.0.1:0'])
  expect((await refused.ended).code).toBe(1)
  const [first, ...rest] = refused.stderr.slice(refused.stderr.indexOf('callsight: ')).trimEnd().split('\n')
  expect(first).toBe(`callsight: an insert that is repeated, as after a crash, would count twice in embedded:${data}:`)
  expect(rest.slice(0, 2)).toEqual([`  ${window}.`, `    ${alter}.`])
  expect(rest.slice(-2)).toEqual([
    'Repair it and start again; "callsight doctor" makes the same test.',
    'To start anyway and accept double counting, write "store: { exactly_once: false }" into callsight.yaml.',
  ])

  const accepting = `${listen}store: { exactly_once: false }\n`
  const accepted = await startCollector({ config: accepting, data })
  expect(accepted.stderr).toContain('exactly_once is given up in callsight.yaml, so calls may count twice')
  expect(await fetch(`${accepted.web}/readyz`).then((response) => response.json())).toMatchObject({
    status: 'ok',
    exactly_once: false,
    warnings: ['a repeated insert may count twice: callsight.yaml accepts it'],
  })
  expect(await fetch(`${accepted.web}/metrics`).then((response) => response.text())).toContain(
    '\ncallsight_exactly_once 0\n',
  )
  const told = await doctor(['--data', data], accepting)
  expect(lines(told.text, 'exactly-once')).toEqual(
    expect.arrayContaining([
      `warn exactly-once ${window}`,
      'warn exactly-once callsight.yaml says exactly_once: false, so the collector would start without',
    ]),
  )
  expect(told.code).toBe(0)
  await accepted.stop()
})

it('sees a taken port, and dead letters with their reasons', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => other.once('listening', resolve))
  const { port } = other.address() as AddressInfo
  const data = temporaryFolder()
  mkdirSync(join(data, 'spool', 'dead-letter'), { recursive: true })
  writeFileSync(
    join(data, 'spool', 'dead-letter', '1795219200123-a.reason'),
    '3 rows of calls, ts, env\nCode: 27. Cannot parse input\n',
  )
  const { code, text } = await doctor(['--data', data], listen.replace(/127[^"]+/, `127.0.0.1:${port}`))
  other.close()
  expect(lines(text, 'port otlp')).toEqual([
    `FAIL port otlp 127.0.0.1:${port} is taken by another program`,
    '→ Stop what uses it, or choose another with listen.otlp in callsight.yaml',
  ])
  expect(lines(text, 'dead letters')).toEqual([
    'warn dead letters 1 files of rows that ClickHouse refused; the newest: 3 rows of calls: Code: 27. Cannot parse input',
    `→ They lie in ${join(data, 'spool', 'dead-letter')}, each with its reason; they are not counted anywhere`,
  ])
  expect(lines(text, 'fsync')[0]).toMatch(/^(ok|warn) fsync [\d.]+ ms, at worst [\d.]+ ms of 20$/)
  expect(code).toBe(1)
})

it('looks at a server, and shows no password when it cannot', async () => {
  const clickhouse = await startClickHouse(temporaryFolder())
  const fine = await doctor(['--clickhouse', clickhouse.url])
  await clickhouse.close()
  expect(lines(fine.text, 'engine')[0]).toMatch(/^ok engine ClickHouse [\d.]+, http:\/\/127\.0\.0\.1:\d+\/monitoring$/)
  expect(lines(fine.text, 'exactly-once')[0]).toMatch(/^ok /)
  expect(fine.code).toBe(0)

  const away = await doctor(['--clickhouse', 'http://me:hunter2@127.0.0.1:9/calls'])
  expect(lines(away.text, 'engine')[0]).toMatch(
    /^FAIL engine cannot open ClickHouse at http:\/\/127\.0\.0\.1:9\/calls: /,
  )
  expect(away.text + away.stderr).not.toContain('hunter2')
  expect(away.code).toBe(1)
})
