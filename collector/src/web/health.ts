import type { FastifyInstance } from 'fastify'
import { limits } from '../limits.ts'
import type { SpoolState } from '../spool/spool.ts'
import type { Finding } from '../store/prove.ts'
import type { Store } from '../store/store.ts'

/** Where the spool stops taking. */
export interface SpoolBounds {
  bytes: number
  ageMs: number
}

export interface HealthParts {
  store: Store
  spool: () => SpoolState
  bounds: SpoolBounds
  /** What the self-test of exactly-once found at the start. */
  findings: readonly Finding[]
}

type Engine = 'answers' | 'does not answer' | 'answers with an error'

/**
 * `/healthz`: the process lives. `/readyz`: it takes calls, or why it does not; answers within a second, because that is
 * what a prober waits. An engine that is away is no reason to send senders elsewhere: what they send is safe in the spool,
 * until that is nearly full.
 */
export function healthRoutes(parts: HealthParts): (server: FastifyInstance) => Promise<void> {
  return async (server) => {
    server.get('/healthz', async () => ({ status: 'ok' }))
    server.get('/readyz', async (_request, reply) => {
      const body = readiness(parts, await engineState(parts.store))
      return reply.code(body.status === 'ok' ? 200 : 503).send(body)
    })
  }
}

async function engineState(store: Store): Promise<Engine> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Engine>((resolve) => {
    timer = setTimeout(() => resolve('does not answer'), limits.engineProbeMs)
  })
  const asked = store.ask('SELECT 1').then(
    (): Engine => 'answers',
    (): Engine => 'answers with an error',
  )
  return Promise.race([asked, late]).finally(() => clearTimeout(timer))
}

/** The body of `/readyz`: `status` is `ok`, or the reason why no more should be sent here. */
export function readiness({ spool, bounds, findings }: Omit<HealthParts, 'store'>, engine: Engine) {
  const { bytes, segments, rows, oldestMs: lagMs, deadLetters, writable } = spool()
  const used = Math.max(bytes / bounds.bytes, lagMs / bounds.ageMs)
  const broken = findings.filter(({ level }) => level === 'broken')
  const warnings = [
    ...(engine === 'answers' ? [] : [`ClickHouse ${engine}; what arrives waits in the spool`]),
    ...(lagMs > limits.lagWarnMs ? [`the oldest call has waited ${Math.round(lagMs / 1000)} s for ClickHouse`] : []),
    ...(deadLetters > 0 ? [`ClickHouse refused rows for good; "callsight doctor" says why`] : []),
    ...(broken.length > 0 ? ['a repeated insert may count twice: callsight.yaml accepts it'] : []),
  ]
  return {
    status: reasonAgainst(writable, used),
    warnings,
    exactly_once: broken.length === 0,
    engine,
    lag_ms: lagMs,
    spool: {
      bytes,
      segments,
      rows,
      used_ratio: Math.round(used * 1000) / 1000,
      writable,
      dead_letters: deadLetters,
    },
  }
}

function reasonAgainst(writable: boolean, used: number): string {
  if (!writable) return 'the spool cannot be written: is the disk full?'
  if (used > limits.spoolShare) return `the spool is ${Math.floor(used * 100)} % full`
  return 'ok'
}
