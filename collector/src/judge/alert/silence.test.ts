import { expect, it } from 'vitest'
import { isExpected } from './silence.ts'

it.each([
  ['who called the day before and is not a day old', { calls: 10 }, true],
  ['who was hardly there', { calls: 9 }, false],
  ['who called at this time yesterday', { calls: 10, aroundDay: 50, thenDay: 1 }, true],
  ['who did not', { calls: 10, aroundDay: 50 }, false],
  [
    'who called at this time a week ago, a Sunday being no Saturday',
    { calls: 10, aroundDay: 50, aroundWeek: 5, thenWeek: 1 },
    true,
  ],
  [
    'who called yesterday, but never on this day of the week',
    { calls: 10, aroundDay: 50, thenDay: 9, aroundWeek: 5 },
    false,
  ],
])('%s is expected: %o %s', (_, more, expected) => {
  expect(isExpected({ thenDay: 0, aroundDay: 0, thenWeek: 0, aroundWeek: 0, ...more }, 10)).toBe(expected)
})
