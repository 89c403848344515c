import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CalendarDate, type CalendarUnit, calendarPeriod, hourOfWeek } from './calendar.ts'

const MINUTE = 60_000

const iso = (ms: number) => new Date(ms).toISOString().replace(':00.000Z', 'Z')

function period(unit: CalendarUnit, zone: string, now: string, anchor?: number | CalendarDate) {
  const { startMs, endMs } = calendarPeriod(unit, zone, Date.parse(now), anchor)
  return `${iso(startMs)} ${iso(endMs)}`
}

describe('a month', () => {
  it.each([
    ['UTC', '2026-11-21T10:00:00Z', '2026-11-01T00:00Z', '2026-12-01T00:00Z'],
    ['UTC', '2026-12-31T23:59:59Z', '2026-12-01T00:00Z', '2027-01-01T00:00Z'],
    ['UTC', '2028-02-10T00:00:00Z', '2028-02-01T00:00Z', '2028-03-01T00:00Z'],
    // March has 743 hours in Berlin, October 745.
    ['Europe/Berlin', '2026-03-15T10:00:00Z', '2026-02-28T23:00Z', '2026-03-31T22:00Z'],
    ['Europe/Berlin', '2026-10-31T22:59:59Z', '2026-09-30T22:00Z', '2026-10-31T23:00Z'],
    ['Europe/Berlin', '2026-10-31T23:00:00Z', '2026-10-31T23:00Z', '2026-11-30T23:00Z'],
    ['America/New_York', '2026-11-01T03:59:59Z', '2026-10-01T04:00Z', '2026-11-01T04:00Z'],
    ['Asia/Kolkata', '2026-11-21T10:00:00Z', '2026-10-31T18:30Z', '2026-11-30T18:30Z'],
    ['Asia/Kathmandu', '2026-11-21T10:00:00Z', '2026-10-31T18:15Z', '2026-11-30T18:15Z'],
    ['Pacific/Chatham', '2026-11-21T10:00:00Z', '2026-10-31T10:15Z', '2026-11-30T10:15Z'],
    ['Pacific/Kiritimati', '2026-11-21T10:00:00Z', '2026-10-31T10:00Z', '2026-11-30T10:00Z'],
    // Clocks went from 23:59:59 to 01:00:00: October 2023 had no first midnight in Asuncion.
    ['America/Asuncion', '2023-10-05T10:00:00Z', '2023-10-01T04:00Z', '2023-11-01T03:00Z'],
  ])('in %s holds at %s from %s to %s', (zone, now, start, end) => {
    expect(period('month', zone, now)).toBe(`${start} ${end}`)
  })

  it.each([
    ['2026-01-31T00:00:00Z', '2026-01-31T00:00Z', '2026-02-28T00:00Z'],
    ['2026-02-28T00:00:00Z', '2026-02-28T00:00Z', '2026-03-31T00:00Z'],
    ['2026-04-15T00:00:00Z', '2026-03-31T00:00Z', '2026-04-30T00:00Z'],
    ['2028-02-29T12:00:00Z', '2028-02-29T00:00Z', '2028-03-31T00:00Z'],
  ])('from the 31st holds at %s from %s to %s: the last day stands in', (now, start, end) => {
    expect(period('month', 'UTC', now, 31)).toBe(`${start} ${end}`)
  })
})

describe('a day', () => {
  it('has 23 hours when the clock goes forward and 25 when it goes back', () => {
    expect(period('day', 'Europe/Berlin', '2026-03-29T10:00:00Z')).toBe('2026-03-28T23:00Z 2026-03-29T22:00Z')
    expect(period('day', 'Europe/Berlin', '2026-10-25T10:00:00Z')).toBe('2026-10-24T22:00Z 2026-10-25T23:00Z')
  })

  it('begins at one where the clock skips midnight', () => {
    expect(period('day', 'Africa/Cairo', '2026-04-24T10:00:00Z')).toBe('2026-04-23T22:00Z 2026-04-24T21:00Z')
    expect(period('day', 'America/Santiago', '2026-09-06T10:00:00Z')).toBe('2026-09-06T04:00Z 2026-09-07T03:00Z')
  })

  it('may not be: Samoa went from the 29th to the 31st', () => {
    const boundary = '2011-12-30T10:00Z'
    expect(period('day', 'Pacific/Apia', '2011-12-30T09:59:00Z')).toBe(`2011-12-29T10:00Z ${boundary}`)
    expect(period('day', 'Pacific/Apia', '2011-12-30T10:00:00Z')).toBe(`${boundary} 2011-12-31T10:00Z`)
  })
})

describe('the other units', () => {
  it('a minute is one of the clock, an hour one of the zone', () => {
    expect(period('minute', 'Asia/Kathmandu', '2026-11-21T10:07:59Z')).toBe('2026-11-21T10:07Z 2026-11-21T10:08Z')
    expect(period('hour', 'Europe/Berlin', '2026-11-21T10:07:59Z')).toBe('2026-11-21T10:00Z 2026-11-21T11:00Z')
    expect(period('hour', 'Asia/Kathmandu', '2026-11-21T10:07:59Z')).toBe('2026-11-21T09:15Z 2026-11-21T10:15Z')
  })

  it('half an hour fills the gap where the clock moves by as much', () => {
    expect(period('hour', 'Australia/Lord_Howe', '2026-04-04T14:59:00Z')).toBe('2026-04-04T14:00Z 2026-04-04T15:00Z')
    expect(period('hour', 'Australia/Lord_Howe', '2026-04-04T15:01:00Z')).toBe('2026-04-04T15:00Z 2026-04-04T15:30Z')
    expect(period('hour', 'Australia/Lord_Howe', '2026-10-03T15:29:00Z')).toBe('2026-10-03T14:30Z 2026-10-03T15:30Z')
    expect(period('hour', 'Australia/Lord_Howe', '2026-10-03T15:31:00Z')).toBe('2026-10-03T15:30Z 2026-10-03T16:00Z')
  })

  it('weeks begin on Monday, over the end of a year too', () => {
    expect(period('week', 'UTC', '2026-12-31T10:00:00Z')).toBe('2026-12-28T00:00Z 2027-01-04T00:00Z')
    expect(period('week', 'UTC', '2027-01-03T23:59:59Z')).toBe('2026-12-28T00:00Z 2027-01-04T00:00Z')
    expect(period('week', 'Europe/Berlin', '2026-10-25T10:00:00Z')).toBe('2026-10-18T22:00Z 2026-10-25T23:00Z')
  })

  it('quarters and years begin in January, on the anchor day', () => {
    expect(period('quarter', 'UTC', '2026-05-15T00:00:00Z')).toBe('2026-04-01T00:00Z 2026-07-01T00:00Z')
    expect(period('quarter', 'UTC', '2026-04-05T00:00:00Z', 10)).toBe('2026-01-10T00:00Z 2026-04-10T00:00Z')
    expect(period('year', 'UTC', '2028-02-29T00:00:00Z')).toBe('2028-01-01T00:00Z 2029-01-01T00:00Z')
  })

  it('a date anchors weeks, months, quarters and years', () => {
    const date = { year: 2026, month: 3, day: 15 }
    expect(period('week', 'UTC', '2026-11-21T00:00:00Z', date)).toBe('2026-11-15T00:00Z 2026-11-22T00:00Z')
    expect(period('month', 'UTC', '2026-11-14T00:00:00Z', date)).toBe('2026-10-15T00:00Z 2026-11-15T00:00Z')
    expect(period('quarter', 'UTC', '2026-11-21T00:00:00Z', date)).toBe('2026-09-15T00:00Z 2026-12-15T00:00Z')
    expect(period('year', 'UTC', '2026-03-14T23:59:00Z', date)).toBe('2025-03-15T00:00Z 2026-03-15T00:00Z')
    const leapDay = { year: 2024, month: 2, day: 29 }
    expect(period('year', 'UTC', '2026-11-21T00:00:00Z', leapDay)).toBe('2026-02-28T00:00Z 2027-02-28T00:00Z')
    expect(period('year', 'UTC', '2028-03-01T00:00:00Z', leapDay)).toBe('2028-02-29T00:00Z 2029-02-28T00:00Z')
  })

  it('a zone that does not exist is refused', () => {
    expect(() => calendarPeriod('day', 'Mars/Olympus', 0)).toThrow(RangeError)
  })
})

it('hours of the week count from Monday at midnight, by the zone', () => {
  expect(hourOfWeek('UTC', Date.parse('2026-11-16T00:30:00Z'))).toBe(0)
  expect(hourOfWeek('UTC', Date.parse('2026-11-22T23:59:00Z'))).toBe(167)
  expect(hourOfWeek('Europe/Berlin', Date.parse('2026-11-22T23:00:00Z'))).toBe(0)
  expect(hourOfWeek('Asia/Kathmandu', Date.parse('2026-11-16T00:14:00Z'))).toBe(5)
})

const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/St_Johns', // changed at one minute past midnight until 2011
  'America/Santiago', // changes at midnight
  'America/Havana',
  'Africa/Cairo',
  'Africa/Casablanca', // changes around Ramadan
  'Asia/Kathmandu',
  'Asia/Kolkata',
  'Asia/Beirut',
  'Australia/Lord_Howe', // half an hour
  'Australia/Eucla',
  'Pacific/Chatham',
  'Pacific/Apia', // left out a day
  'Pacific/Kiritimati',
]
const longest = { minute: 1, hour: 60, day: 25 * 60, week: 169 * 60, month: 0, quarter: 0, year: 0 }

it('periods tile time: each contains its moment, and its neighbours begin where it ends', () => {
  const moment = fc.integer({ min: Date.UTC(2005, 0, 1) / MINUTE, max: Date.UTC(2040, 0, 1) / MINUTE })
  const anchor = fc.oneof(
    fc.integer({ min: 1, max: 31 }),
    fc.record({
      year: fc.integer({ min: 2010, max: 2030 }),
      month: fc.integer({ min: 1, max: 12 }),
      day: fc.integer({ min: 1, max: 28 }),
    }),
  )
  const unit = fc.constantFrom<CalendarUnit[]>('minute', 'hour', 'day', 'week', 'month', 'quarter', 'year')
  fc.assert(
    fc.property(unit, fc.constantFrom(...zones), moment, fc.integer({ min: 0, max: 59_999 }), anchor, (...given) => {
      const [unit, zone, minute, rest, anchor] = given
      const at = (ms: number) => calendarPeriod(unit, zone, ms, anchor)
      const nowMs = minute * MINUTE + rest
      const { startMs, endMs } = at(nowMs)
      expect(startMs).toBeLessThanOrEqual(nowMs)
      expect(endMs).toBeGreaterThan(nowMs)
      expect([startMs % MINUTE, endMs % MINUTE]).toEqual([0, 0])
      expect(at(startMs)).toEqual({ startMs, endMs })
      expect(at(endMs - 1)).toEqual({ startMs, endMs })
      expect(at(endMs).startMs).toBe(endMs)
      expect(at(startMs - 1).endMs).toBe(startMs)
      const most = longest[unit] * MINUTE
      if (most > 0) expect(endMs - startMs).toBeLessThanOrEqual(most)
    }),
    { numRuns: 2000 },
  )
})
