import { expect, it } from 'vitest'
import { momentOf } from './moment.ts'

const NOW = Date.parse('2026-11-21T09:59:30Z')
const TEN = Date.parse('2026-11-21T10:00:00Z')

it.each([
  ['30', TEN],
  ['2026', NOW + 2_026_000],
  [' 30 ', TEN],
  ['30.0', TEN],
  ['0', NOW],
  ['1795255200', TEN],
  ['1795255200.25', TEN + 250],
  ['1795255200000', TEN],
  ['1795255200000000', TEN],
  ['1795255200000000000', TEN],
  ['30s', TEN],
  ['0m30s', TEN],
  ['500ms', NOW + 500],
  ['1h2m3.5s', NOW + 3_723_500],
  ['1d', NOW + 86_400_000],
  ['2026-11-21T10:00:00Z', TEN],
  ['2026-11-21T11:00:00+01:00', TEN],
  ['2026-11-21 10:00:00', TEN],
  ['2026-11-21T10:00:00.000', TEN],
  ['Sat, 21 Nov 2026 10:00:00 GMT', TEN],
  ['Saturday, 21-Nov-26 10:00:00 GMT', TEN],
])('%j is that moment', (field, ms) => expect(momentOf(field, NOW)).toBe(ms))

it.each([
  '',
  '-5',
  'soon',
  '1e9',
  '30x',
  'Sat',
  'May 5',
  '900000000',
  '99999999999999999999',
  '2026-13-45T99:99Z',
  'NaN',
])('%j is none that is near', (field) => expect(momentOf(field, NOW)).toBeUndefined())
