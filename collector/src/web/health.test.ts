import Fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import type { SpoolState } from '../spool/spool.ts'
import type { Finding } from '../store/prove.ts'
import type { Store } from '../store/store.ts'
import { healthRoutes, readiness } from './health.ts'

const nothing: SpoolState = { bytes: 0, segments: 0, rows: 0, oldestMs: 0, deadLetters: 0, writable: true }
const bounds = { bytes: 1000, ageMs: 3600_000 }
const ready = (
  state: Partial<SpoolState>,
  findings: Finding[] = [],
  engine: Parameters<typeof readiness>[1] = 'answers',
) => readiness({ spool: () => ({ ...nothing, ...state }), bounds, findings }, engine)

describe('readiness', () => {
  it('is given when nothing is wrong', () => {
    expect(ready({})).toEqual({
      status: 'ok',
      warnings: [],
      exactly_once: true,
      engine: 'answers',
      lag_ms: 0,
      spool: { bytes: 0, segments: 0, rows: 0, used_ratio: 0, writable: true, dead_letters: 0 },
    })
  })

  it('ends when the spool is more than 80 % full, by bytes or by age', () => {
    expect(ready({ bytes: 800, segments: 3, rows: 9 })).toMatchObject({ status: 'ok', spool: { used_ratio: 0.8 } })
    expect(ready({ bytes: 801 })).toMatchObject({ status: 'the spool is 80 % full', spool: { used_ratio: 0.801 } })
    expect(ready({ bytes: 1, oldestMs: 3000_000 })).toMatchObject({ status: 'the spool is 83 % full' })
  })

  it('ends when the disk takes nothing', () => {
    expect(ready({ writable: false }).status).toBe('the spool cannot be written: is the disk full?')
  })

  it('stays while the engine is away: that is told as lag', () => {
    expect(ready({ rows: 5, bytes: 10, oldestMs: 95_000 }, [], 'does not answer')).toMatchObject({
      status: 'ok',
      engine: 'does not answer',
      lag_ms: 95_000,
      warnings: [
        'ClickHouse does not answer; what arrives waits in the spool',
        'the oldest call has waited 95 s for ClickHouse',
      ],
    })
  })

  it('tells of dead letters and of double counting that was accepted', () => {
    const finding = { subject: 'table calls', what: '', remedy: '' }
    expect(ready({ deadLetters: 1 }, [{ ...finding, level: 'broken' }])).toMatchObject({
      status: 'ok',
      exactly_once: false,
      warnings: [
        'ClickHouse refused rows for good; "callsight doctor" says why',
        'a repeated insert may count twice: callsight.yaml accepts it',
      ],
    })
    expect(ready({}, [{ ...finding, level: 'doubtful' }])).toMatchObject({ exactly_once: true, warnings: [] })
  })
})

describe('a prober', () => {
  const answer = async (state: Partial<SpoolState>, ask: () => Promise<never[]>) => {
    const server = Fastify()
    const store = { ask } as unknown as Store
    server.register(healthRoutes({ store, spool: () => ({ ...nothing, ...state }), bounds, findings: [] }))
    const [health, ready] = [await server.inject('/healthz'), await server.inject('/readyz')]
    await server.close()
    return { health: [health.statusCode, health.json()], ready: [ready.statusCode, ready.json()] }
  }

  it('is answered soon and 200 while the engine hangs or fails, for the spool takes what comes', async () => {
    const hanging = await answer({ rows: 1 }, () => new Promise(() => {}))
    expect(hanging.health).toEqual([200, { status: 'ok' }])
    expect(hanging.ready).toMatchObject([200, { status: 'ok', engine: 'does not answer' }])
    const failing = await answer({}, () => Promise.reject(new Error('no')))
    expect(failing.ready).toMatchObject([200, { status: 'ok', engine: 'answers with an error' }])
  })

  it('is answered 503 when nothing more can be taken, and the process still lives', async () => {
    const full = await answer({ bytes: 999 }, async () => [])
    expect(full.health).toEqual([200, { status: 'ok' }])
    expect(full.ready).toMatchObject([503, { status: 'the spool is 99 % full', engine: 'answers' }])
  })
})
