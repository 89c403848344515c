import { readdirSync } from 'node:fs'
import { limits } from '../limits.ts'
import { memoryBytes } from '../store/embedded.ts'
import { prove } from '../store/prove.ts'
import type { Store } from '../store/store.ts'
import { bytesText, type Check, guarded } from './check.ts'

export interface EngineParts {
  store: Store
  /** The engine runs in this process. */
  embedded: boolean
  /** callsight.yaml accepts that a repeated insert counts twice. */
  accepted: boolean
}

/** What only somebody who is connected to ClickHouse can tell. */
export async function engineChecks(parts: EngineParts): Promise<Check[]> {
  const steps: [name: string, check: (parts: EngineParts) => Promise<Check[]>][] = [
    ['engine', versionCheck],
    ['exactly-once', proofChecks],
    ['migrations', migrationCheck],
    ['clock', clockCheck],
    ['agents’ clocks', agentClockCheck],
    ['memory', memoryCheck],
  ]
  const checks: Check[] = []
  for (const [name, check] of steps) checks.push(...(await guarded(name, () => check(parts))))
  return checks
}

async function versionCheck({ store }: EngineParts): Promise<Check[]> {
  const [row] = await store.ask<{ version: string }>('SELECT version() AS version')
  const [year = 0, month = 0] = row!.version.split('.').map(Number)
  const found = `ClickHouse ${row!.version}, ${store.place}`
  if (year > limits.engineYear || (year === limits.engineYear && month >= limits.engineMonth)) {
    return [{ name: 'engine', status: 'ok', found }]
  }
  const remedy = `Use ${limits.engineYear}.${limits.engineMonth} or newer; Callsight is tested on 26.7`
  return [{ name: 'engine', status: 'warn', found, remedy }]
}

async function proofChecks({ store, accepted }: EngineParts): Promise<Check[]> {
  const begun = performance.now()
  const findings = await prove(store)
  const ms = Math.round(performance.now() - begun)
  const name = 'exactly-once'
  const checks = findings.map(({ subject, level, what, remedy }): Check => {
    return { name, status: level === 'broken' && !accepted ? 'fail' : 'warn', found: `${subject}: ${what}`, remedy }
  })
  if (!findings.some(({ level }) => level === 'broken')) {
    checks.unshift({ name, status: 'ok', found: `a repeated insert counts once, through two views (${ms} ms)` })
  }
  if (accepted) {
    const found = 'callsight.yaml says exactly_once: false, so the collector would start without'
    checks.push({ name, status: 'warn', found, remedy: 'Take it out of callsight.yaml when the line above is ok' })
  }
  return checks
}

async function migrationCheck({ store }: EngineParts): Promise<Check[]> {
  const known = readdirSync(new URL('../../sql/', import.meta.url)).filter((name) => /^\d{4}_\w+\.sql$/.test(name))
  const newest = known.sort().at(-1)!
  if (!(await hasTable(store, 'migrations'))) {
    return [{ name: 'migrations', status: 'ok', found: 'no tables yet: "callsight up" makes them' }]
  }
  const rows = await store.ask<{ name: string }>('SELECT DISTINCT name FROM migrations ORDER BY name')
  const applied = new Set(rows.map(({ name }) => name))
  const newer = [...applied].filter((name) => name > newest)
  if (newer.length > 0) {
    const found = `the tables were made by a newer Callsight (${newer.at(-1)}; this one knows up to ${newest})`
    return [{ name: 'migrations', status: 'fail', found, remedy: 'Install that version or newer' }]
  }
  const pending = known.filter((name) => !applied.has(name))
  if (pending.length === 0) return [{ name: 'migrations', status: 'ok', found: `all ${known.length} applied` }]
  const found = `${pending.length} of ${known.length} to be applied: ${pending.join(', ')}`
  return [{ name: 'migrations', status: 'warn', found, remedy: '"callsight up" applies them when it starts' }]
}

async function clockCheck({ store }: EngineParts): Promise<Check[]> {
  const before = Date.now()
  const [row] = await store.ask<{ ms: string }>('SELECT toUnixTimestamp64Milli(now64(3)) AS ms')
  const after = Date.now()
  const off = Number(row!.ms) - (before + after) / 2
  // What the way there and back may hide.
  const sure = Math.abs(off) - (after - before) / 2
  const found = `ClickHouse's is ${Math.abs(off) < 1000 ? 'within a second of ours' : `${seconds(off)} ${off > 0 ? 'ahead' : 'behind'}`}`
  if (sure <= limits.clockWarnMs) return [{ name: 'clock', status: 'ok', found }]
  const status = sure > limits.clockFailMs ? 'fail' : 'warn'
  return [{ name: 'clock', status, found, remedy: 'Let both machines keep time by NTP' }]
}

/** A call that ended after it was stored was timed by a clock that is ahead; one behind looks like a slow network. */
async function agentClockCheck({ store }: EngineParts): Promise<Check[]> {
  if (!(await hasTable(store, 'calls'))) return []
  const rows = await store.ask<{ service: string; instance: string; ahead: string }>(
    `SELECT service, instance, max(dateDiff('millisecond', ingested_at, ts + toIntervalMicrosecond(duration_us))) AS ahead
     FROM calls WHERE ts > now() - INTERVAL 1 HOUR AND ts < now() + INTERVAL 1 HOUR
       AND ingested_at > now() - INTERVAL 10 MINUTE
     GROUP BY service, instance HAVING ahead > ${limits.clockWarnMs} ORDER BY ahead DESC LIMIT 5`,
  )
  const name = 'agents’ clocks'
  if (rows.length === 0) return [{ name, status: 'ok', found: 'no call of the last ten minutes ends in the future' }]
  const found = rows.map(({ service, instance, ahead }) => `${service} ${instance} is ${seconds(Number(ahead))} ahead`)
  return [{ name, status: 'warn', found: found.join(', '), remedy: 'Let those machines keep time by NTP' }]
}

/** The embedded engine takes up to its cap beside what this process needs itself. */
async function memoryCheck({ store, embedded }: EngineParts): Promise<Check[]> {
  if (!embedded) return []
  const [row] = await store.ask<{ cap: string; used: string }>(
    `SELECT (SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage') AS cap,
       (SELECT value FROM system.metrics WHERE metric = 'MemoryTracking') AS used`,
  )
  const cap = Number(row!.cap)
  const machine = memoryBytes()
  const found = `the engine uses ${bytesText(Number(row!.used))} of at most ${cap === 0 ? 'all' : bytesText(cap)}; there are ${bytesText(machine)}`
  if (cap > 0 && cap <= machine / 2) return [{ name: 'memory', status: 'ok', found }]
  const status = cap === 0 || cap > machine ? 'fail' : 'warn'
  return [
    { name: 'memory', status, found, remedy: 'Give the collector more memory: at least twice the cap of its engine' },
  ]
}

async function hasTable(store: Store, name: string): Promise<boolean> {
  const rows = await store.ask(
    'SELECT 1 FROM system.tables WHERE database = currentDatabase() AND name = {name:String}',
    { name },
  )
  return rows.length > 0
}

function seconds(ms: number): string {
  return `${Math.round(Math.abs(ms) / 100) / 10} s`
}
