import { upstreamQuestion, upstreamUseQuestion } from '../../aggregate/upstream.ts'
import type { Row } from '../../store/store.ts'
import type { Forecast } from '../quota/forecast.ts'
import { forecastWindow, type Point } from './forecast.ts'
import { judgeUpstream, type Verdict } from './verdict.ts'

/** A quota of ours at another server. */
export interface UpstreamQuota {
  readonly env: string
  readonly service: string
  readonly peer: string
  readonly peerPort: number
  /** As the server names it; empty where it has one only. */
  readonly policy: string
}

/** How one stands. */
export interface UpstreamStanding extends UpstreamQuota, Verdict {
  readonly atMs: number
  readonly seenMs: number
  readonly unit: string
  readonly dialect: string
  readonly allowed: number | null
  readonly windowS: number | null
  readonly resetsMs: number | null
  /** Only while it is ahead. */
  readonly retryMs: number | null
  /** Calls whose answers told of it, and those turned away for it, in the last hour. */
  readonly calls: number
  readonly refused: number
  readonly forecast: Forecast | null
}

/** Asks the store; `store.query` of the judge, `store.ask` of a page. */
export type Ask = (sql: string, params: Row) => Promise<Row[]>

/** How every quota stands at `atMs` that an answer of the last days has told of, the newest first. */
export async function upstreamStandings(ask: Ask, atMs: number): Promise<UpstreamStanding[]> {
  const newest = upstreamQuestion(atMs)
  const use = upstreamUseQuestion(atMs)
  const [rows, uses] = await Promise.all([ask(newest.sql, newest.params), ask(use.sql, use.params)])
  const points = new Map(uses.map((row) => [keyOf(quotaOf(row)), row.points as [number, number][]]))
  return rows.map((row) => standingOf(row, points.get(keyOf(quotaOf(row))) ?? [], atMs))
}

function standingOf(row: Row, points: readonly (readonly [number, number])[], atMs: number): UpstreamStanding {
  const allowed = numberOf(row.allowed)
  const resetsMs = numberOf(row.resets_ms)
  const windowS = numberOf(row.window_s)
  const retryMs = numberOf(row.retry_ms)
  const seenMs = Number(row.seen_ms)
  const verdict = judgeUpstream({ seenMs, allowed, remaining: numberOf(row.remaining), resetsMs, retryMs }, atMs)
  return {
    ...quotaOf(row),
    ...verdict,
    atMs,
    seenMs,
    unit: String(row.unit),
    dialect: String(row.dialect),
    allowed,
    windowS,
    resetsMs,
    retryMs: retryMs !== null && retryMs > atMs ? retryMs : null,
    calls: Number(row.calls),
    refused: Number(row.refused),
    forecast: allowed === null || resetsMs === null ? null : forecastOf(points, allowed, resetsMs, windowS, atMs),
  }
}

function forecastOf(
  points: readonly (readonly [number, number])[],
  allowed: number,
  endMs: number,
  windowS: number | null,
  atMs: number,
): Forecast | null {
  const used: Point[] = points.map(([at, left]) => ({ atMs: Number(at), used: Math.max(0, allowed - Number(left)) }))
  const startMs = windowS === null ? undefined : endMs - windowS * 1000
  return forecastWindow(used, { startMs, endMs }, atMs, allowed)
}

function quotaOf(row: Row): UpstreamQuota {
  const { env, service, peer, peer_port, policy } = row
  return {
    env: String(env),
    service: String(service),
    peer: String(peer),
    peerPort: Number(peer_port),
    policy: String(policy),
  }
}

function keyOf({ env, service, peer, peerPort, policy }: UpstreamQuota): string {
  return [env, service, peer, peerPort, policy].join('\0')
}

function numberOf(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value)
}
