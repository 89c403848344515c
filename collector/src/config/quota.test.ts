import { describe, expect, it } from 'vitest'
import { faultText } from './fault.ts'
import { parseConfig } from './read.ts'

function quotaOf(written: string) {
  const { config, faults } = parseConfig(`plans: { gold: { quotas: [{ name: q, limit: 9, ${written} }] } }`, 'f', {})
  expect(faults).toEqual([])
  return config!.plans[0]!.quotas[0]!
}

const faultsOf = (written: string, more = '') =>
  parseConfig(`plans: { gold: { quotas: [{ name: q, limit: 9, ${written} }] } }\n${more}`, 'f', {}).faults.map(
    (fault) => faultText(fault).replace(/^f:1:\d+: plans\.gold\.quotas\[0\]\./, ''),
  )

describe('a quota', () => {
  it.each([
    ['per: 1m', 'minute'],
    ['per: minute', 'minute'],
    ['per: 1h', 'hour'],
    ['per: 24h', 'day'],
    ['per: 1d', 'day'],
    ['per: 7d', 'week'],
    ['per: 1w', 'week'],
    ['per: month', 'month'],
    ['per: quarter', 'quarter'],
    ['per: year', 'year'],
    ['per: 1m, window: rolling', { rollingMs: 60_000 }],
    ['per: 30d, window: rolling', { rollingMs: 30 * 86_400_000 }],
  ])('%s is counted by %j', (written, window) => {
    expect(quotaOf(written).window).toEqual(window)
  })

  it('takes an anchor, a meter, an operation, outcomes, a kind, thresholds and receivers', () => {
    expect(
      quotaOf(
        'per: month, anchor: 31, operation: "GET /*", outcomes: [timeout, ok, ok], kind: hard, thresholds: [120%, 99.9%], notify: ["https://hooks.example.com/x"], window: calendar',
      ),
    ).toMatchObject({
      anchor: 31,
      operation: 'GET /*',
      outcomes: ['ok', 'timeout'],
      kind: 'hard',
      thresholds: [{ text: '99.9%' }, { text: '120%' }],
      notify: ['https://hooks.example.com/x'],
    })
    expect(quotaOf('per: year, anchor: 2026-03-15').anchor).toEqual({ year: 2026, month: 3, day: 15 })
    expect(quotaOf('per: day, meter: "distinct( attributes.team id )"').meter).toEqual({
      text: 'distinct(attributes.team id)',
      attribute: 'team id',
    })
    expect(quotaOf('per: day, meter: bytes').meter).toEqual({ text: 'bytes', sum: 'bytes' })
    expect(quotaOf('per: day, meter: distinct( path )').meter).toEqual({ text: 'distinct(path)', distinct: 'path' })
  })

  it('may be a consumer’s own', () => {
    const { config } = parseConfig('consumers: [{ id: a, quotas: [{ name: q, limit: 9, per: day }] }]', 'f', {})
    expect(config?.consumers[0]?.quotas[0]).toMatchObject({ name: 'q', window: 'day' })
  })

  it.each([
    ['per: mont', 'per: "mont" is not a period; did you mean month?'],
    [
      'per: 30d',
      'per: "30d" is no period of the calendar; add window: rolling, or use minute, hour, day, week, month, quarter, year',
    ],
    ['per: month, window: rolling', 'per: a rolling window has no month; write a duration: 30d'],
    ['per: 31d, window: rolling', 'per: "31d" is too long; write at most 30d'],
    ['per: 90s, window: rolling', 'per: "90s" is not a whole number of minutes; write 1m, 5m, 1h, 30d'],
    ['per: day, anchor: 3', 'anchor: only a week, month, quarter or year of the calendar has an anchor; remove it'],
    ['per: week, anchor: 3', 'anchor: a week begins on a weekday, not on a day of the month; write a date: 2026-03-15'],
    [
      'per: month, anchor: 32',
      'anchor: "32" is neither a day of the month nor a date; write 1 to 31, or the first day of a period: 2026-03-15',
    ],
    [
      'per: month, anchor: 2026-02-30',
      'anchor: "2026-02-30" is neither a day of the month nor a date; write 1 to 31, or the first day of a period: 2026-03-15',
    ],
    ['per: day, meter: call', 'meter: "call" is not something to count; did you mean calls?'],
    [
      'per: day, meter: distinct(user)',
      'meter: "distinct(user)" is not something to count; use calls, units, request_bytes, response_bytes, bytes, distinct(operation), distinct(route), distinct(path), distinct(client_address) or distinct(attributes.NAME)',
    ],
    ['per: day, outcomes: []', 'outcomes: is empty; see docs/configuration.md'],
    [
      'per: day, outcomes: [okay]',
      'outcomes[0]: "okay" is not known here; use ok, client_error, server_error, timeout, aborted',
    ],
    ['per: day, kind: firm', 'kind: "firm" is not known here; use hard, soft'],
    ['per: day, thresholds: [80]', 'thresholds[0]: "80" is not a percentage; write it with its sign: 80%'],
    [
      'per: day, thresholds: [1001%]',
      'thresholds[0]: "1001%" is no share to tell of; write more than 0% and at most 1000%',
    ],
    [
      'per: day, notify: [ops]',
      'notify[0]: there is no channel "ops"; add it under channels, or use one that is there',
    ],
    [
      'per: month, meter: distinct(path)',
      'per: "month" is longer than single calls, which "distinct(path)" counts, are kept (30d); write something shorter, or retention.calls: 31d',
    ],
    ['per: day, limt: 3', 'limt: unknown key "limt"; did you mean limit?'],
  ])('with %s is refused', (written, fault) => {
    expect(faultsOf(written)).toEqual([fault])
  })

  it('is refused when its roll-ups are not kept long enough, or its name is there twice', () => {
    expect(faultsOf('per: year', 'retention: { rollups: 6 months }')).toEqual([
      'per: "year" is longer than roll-ups are kept (6 months); write something shorter, or retention.rollups: 366d',
    ])
    const twice = 'consumers: [{ id: a, quotas: [{ name: q, limit: 1, per: day }, { name: q, limit: 2, per: day }] }]'
    expect(parseConfig(twice, 'f', {}).faults.map(faultText)).toEqual([
      'f:1:72: consumers[0].quotas[1].name: the quota "q" is there twice; rename or remove one',
    ])
  })
})
