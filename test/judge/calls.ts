import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrate } from '../../collector/src/store/migrate.ts'
import { openStore, type Store } from '../../collector/src/store/store.ts'
import { randomly } from '../random.ts'

export interface Call {
  atMs: number
  direction: 'in' | 'out'
  service: string
  operation: string
  consumer: string
  plan: string
  outcome: 'ok' | 'client_error' | 'server_error' | 'timeout' | 'aborted'
  durationUs: number
  weight: number
}

/** An empty embedded store in a folder of its own. */
export async function emptyStore(): Promise<{ store: Store; close(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'callsight-judge-'))
  const store = await openStore(`embedded:${folder}`)
  await migrate(store)
  return {
    store,
    async close() {
      await store.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

let inserts = 0

export async function insertCalls(store: Store, calls: readonly Partial<Call>[]): Promise<void> {
  const rows = calls.map((call, i) => ({
    ts: new Date(call.atMs!).toISOString().replace('T', ' ').slice(0, -1),
    direction: call.direction ?? 'in',
    service: call.service ?? 'shop',
    operation: call.operation ?? 'GET /books',
    consumer: call.consumer ?? 'acme',
    plan: call.plan ?? '',
    outcome: call.outcome ?? 'ok',
    duration_us: call.durationUs ?? 1000,
    weight: call.weight ?? 1,
    trace_id: `${inserts}`.padStart(32, '0'),
    span_id: i.toString(16).padStart(16, '0'),
  }))
  inserts++
  await store.insert('calls', rows, `calls-${process.pid}-${inserts}`)
}

/** Calls of every kind that began in [fromMs, toMs). */
export function randomCalls(seed: number, count: number, fromMs: number, toMs: number): Call[] {
  const random = randomly(seed)
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!
  return Array.from({ length: count }, () => ({
    atMs: fromMs + Math.floor(random() * (toMs - fromMs)),
    direction: pick(['in', 'in', 'in', 'out'] as const),
    service: pick(['shop', 'shop', 'billing']),
    operation: pick(['GET /books', 'GET /books/:id', 'POST /orders', 'GET /100%_off', 'GET /100xxoff']),
    consumer: pick(['acme', 'bob', 'carol', 'dora', '']),
    plan: '',
    outcome: pick(['ok', 'ok', 'ok', 'ok', 'client_error', 'server_error', 'timeout', 'aborted'] as const),
    // From a millisecond to two minutes, so that some calls end long after they began.
    durationUs: Math.floor(1000 * 120_000 ** random()),
    weight: pick([1, 1, 1, 2, 10]),
  }))
}
