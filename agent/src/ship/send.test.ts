import { expect, test } from 'vitest'
import { RETRY_AFTER_LONGEST } from '../limits.ts'
import { retryAfter } from './send.ts'

test.each([
  [undefined, undefined],
  ['3', 3000],
  ['0', 0],
  ['Sat, 21 Nov 2026 01:00:05 GMT', 5000],
  ['Sat, 21 Nov 2026 00:59:00 GMT', 0],
  ['999999', RETRY_AFTER_LONGEST],
  ['soon', undefined],
])('Retry-After: %s', (header, wait) => {
  expect(retryAfter(header, Date.parse('2026-11-21T01:00:00Z'))).toBe(wait)
})
