import { expect, test } from 'vitest'
import { Call, type Kind, type Outcome } from './call.ts'
import { Operation } from './capture/route.ts'
import type { Capture } from './config.ts'
import { DETAIL_BURST, DETAIL_RATE } from './limits.ts'
import { Sampler } from './sample.ts'

const kind: Kind = { direction: 'in', answerHeaders: () => ({}), answerHeader: () => undefined, end: () => {} }

function call(status: number): Call {
  const made = new Call(kind, 0, 'GET', '/', {})
  made.status = status
  return made
}

const route = () => new Operation('GET', '/a', 'GET /a', 'framework')
const guess = () => new Operation('GET', undefined, 'GET (unmatched)', 'guess')

test.each<[Capture, number, Outcome, () => Operation, number, string | undefined]>([
  ['none', 500, 'server_error', route, 10, undefined],
  ['failed', 500, 'server_error', route, 10, 'failed'],
  ['failed', 0, 'aborted', route, 10, 'failed'],
  ['failed', 422, 'client_error', route, 10, 'failed'],
  ['failed', 404, 'client_error', route, 10, 'failed'],
  ['failed', 404, 'client_error', guess, 10, undefined],
  ['failed', 200, 'ok', route, 1_000_000, 'slow'],
  ['failed', 200, 'ok', route, 999_999, undefined],
  ['sampled', 200, 'ok', route, 10, 'new'],
  ['all', 200, 'ok', route, 10, 'sampled'],
  ['all', 404, 'client_error', guess, 10, 'sampled'],
])('%s: status %i, %s', (capture, status, outcome, operation, duration, reason) => {
  expect(new Sampler(capture, 0, 1000).judge(call(status), operation(), outcome, duration, 0)).toBe(reason)
})

test('new once for each operation; the share stays under the rate', () => {
  const sampler = new Sampler('sampled', 1, 1000)
  const operation = route()
  const kept = (now: number) => sampler.judge(call(200), operation, 'ok', 10, now)
  expect(kept(0)).toBe('new')
  let sampled = 0
  // Ten thousand calls a second for ten seconds.
  for (let now = 0; now < 10_000; now += 0.1) if (kept(now) === 'sampled') sampled += 1
  expect(sampled).toBeGreaterThan(DETAIL_RATE * 9)
  expect(sampled).toBeLessThanOrEqual(DETAIL_BURST + DETAIL_RATE * 10)
})
