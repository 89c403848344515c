import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type Config, defaultConfig, type Token } from '../config/config.ts'
import { digest } from '../token.ts'
import { tokenChecks } from './access.ts'
import { bytesText, type Check, checksText, guarded, statusOf } from './check.ts'
import { diskChecks, nodeChecks, portChecks } from './machine.ts'
import { spoolChecks } from './spool.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})
function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'callsight-doctor-test-'))
  folders.push(folder)
  return folder
}

describe('the table of a doctor', () => {
  const fine: Check = { name: 'node', status: 'ok', found: '22' }

  it('has a line for each check, remedies below, and a sum', () => {
    const checks: Check[] = [
      fine,
      { name: 'disk space', status: 'warn', found: '1 GiB free', remedy: 'Make room' },
      { name: 'engine', status: 'fail', found: 'away' },
    ]
    expect(checksText(checks)).toBe(`ok    node        22
warn  disk space  1 GiB free
                  → Make room
FAIL  engine      away
3 checks: 1 ok, 1 to look at, 1 failed
`)
    expect([statusOf([fine]), statusOf(checks.slice(0, 2)), statusOf(checks)]).toEqual(['ok', 'warn', 'fail'])
  })

  it('takes what a check throws as a finding, without secrets', async () => {
    const failing = () => {
      throw new Error('cannot reach http://me:hunter2@host:8123\nStart it')
    }
    expect(await guarded('engine', failing)).toEqual([
      { name: 'engine', status: 'fail', found: 'cannot reach http://[redacted]@host:8123', remedy: 'Start it' },
    ])
  })

  it('writes bytes for people', () => {
    expect([0, 1023, 1536, 5 * 1024 ** 3].map(bytesText)).toEqual(['0 bytes', '1023 bytes', '1.5 KiB', '5 GiB'])
  })
})

describe('tokens', () => {
  const config = (tokens: Partial<Token>[], listen: Partial<Config['listen']> = {}): Config => ({
    ...defaultConfig,
    listen: { ...defaultConfig.listen, ...listen },
    tokens: tokens.map((token, i) => ({
      name: `t${i}`,
      scope: 'ingest',
      sha256: digest(`secret ${i}`),
      env: undefined,
      ...token,
    })),
  })

  it('are counted by scope', () => {
    expect(tokenChecks(config([{}, { scope: 'read' }, {}]))).toEqual([
      { name: 'tokens', status: 'ok', found: '2 ingest, 1 read' },
    ])
  })

  it('must be there for a listener that others reach, and none may be given twice or be empty', () => {
    const open = { web: { host: '0.0.0.0', port: 4319 } }
    const twice = { sha256: digest('same') }
    const checks = tokenChecks(config([twice, { ...twice, name: 'other' }, { name: 'none', sha256: digest('') }], open))
    expect(checks.map(({ status, found, remedy }) => `${status} ${found} → ${remedy}`)).toEqual([
      'fail The viewer on 0.0.0.0:4319 could be reached by others, and no token of scope read or admin is configured. → Make one with "callsight token create --name NAME --scope read" and put it under tokens: in callsight.yaml, or listen on 127.0.0.1.',
      'fail t0 (ingest) and other (ingest) are the same secret, and only the last counts → Make a secret for each: "callsight token create"',
      'fail none (ingest): this is the SHA-256 of an empty text, so nobody can come in with it → Make a secret for each: "callsight token create"',
    ])
  })
})

describe('the machine', () => {
  it('needs Node 20.6, and tells of zstd', () => {
    expect(nodeChecks('20.5.1', false)).toMatchObject([{ status: 'fail', remedy: 'Install Node 20.6 or newer' }])
    expect(nodeChecks('20.6.0', false)[0]).toMatchObject({
      status: 'ok',
      found: expect.stringContaining('senders use gzip'),
    })
    expect(nodeChecks('24.1.0', true)[0]).toMatchObject({ status: 'ok', found: expect.stringContaining('with zstd') })
  })

  it('needs a data folder that can be written', () => {
    const folder = newFolder()
    expect(diskChecks(folder).map(({ name }) => name)).toEqual(['disk space', 'fsync'])
    const file = join(folder, 'file')
    writeFileSync(file, '')
    const [, fsync] = diskChecks(file)
    expect(fsync).toMatchObject({ status: 'fail', remedy: `Make ${file} writable for the user who runs the collector` })
  })

  it('tells a port of the running collector from one that is taken', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const listen = { web: { host: '127.0.0.1', port } }
    const listeners = { web: `http://127.0.0.1:${port}` }
    const ours = await portChecks(listen, { pid: 1, startedAt: '', listeners })
    expect(ours).toEqual([{ name: 'port web', status: 'ok', found: `127.0.0.1:${port} is the running collector's` }])
    expect(await portChecks(listen)).toMatchObject([
      { status: 'fail', found: `127.0.0.1:${port} is taken by another program` },
    ])
    await new Promise((resolve) => server.close(resolve))
    expect(await portChecks(listen)).toEqual([{ name: 'port web', status: 'ok', found: `127.0.0.1:${port} is free` }])
  })
})

describe('the spool', () => {
  const bounds = { bytes: 1000, ageMs: 3600_000 }

  it('is told of by the running collector', () => {
    const state = { bytes: 900, segments: 2, rows: 7, oldestMs: 60_000, deadLetters: 0, writable: false }
    expect(spoolChecks(newFolder(), bounds, state).map(({ status, found }) => `${status} ${found}`)).toEqual([
      'fail 2 segments with 900 bytes wait, the oldest for 60 s (90 % of the bound)',
      'fail it cannot be written',
      'ok none',
    ])
  })

  it('is looked at where no collector runs', () => {
    const data = newFolder()
    expect(spoolChecks(data, bounds)[0]).toMatchObject({ status: 'ok', found: 'nothing waits' })
    mkdirSync(join(data, 'spool', 'done'), { recursive: true })
    const begun = Date.now() - 10_000
    for (const name of [`${begun}-a.segment`, `${begun + 5000}-b.open-0`, `${begun}-a.division`, 'ledger', 'done/x'])
      writeFileSync(join(data, 'spool', name), 'x'.repeat(100))
    expect(spoolChecks(data, bounds)[0]!.found).toMatch(
      /^2 segments with 200 bytes wait, the oldest for 1\d s \(20 % of the bound\)$/,
    )
  })
})
