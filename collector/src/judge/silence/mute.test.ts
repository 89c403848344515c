import { describe, expect, it } from 'vitest'
import { matches, parseMatcher } from '../../config/matcher.ts'
import { parseConfig } from '../../config/read.ts'
import type { AlertEvent } from '../alert/step.ts'
import { isUnderMaintenance } from './maintenance.ts'
import { mutedBy } from './mute.ts'

const at = Date.UTC(2026, 10, 21, 10)

function alert(rule: string, labels: Record<string, string>, severity = 'warning'): AlertEvent {
  return {
    id: `evt_${rule}`,
    atMs: at,
    rule,
    fingerprint: JSON.stringify([rule, labels]),
    labels,
    severity,
    state: 'firing',
    value: 2,
    threshold: 1,
    calls: 10,
    summary: rule,
    activeSinceMs: at,
  }
}

function configured(text: string) {
  const { config, faults } = parseConfig(text, 'x', {})
  expect(faults).toEqual([])
  return config!
}

describe('a matcher', () => {
  const holds = (text: string, labels: Record<string, string>) => matches([parseMatcher(text)], labels)

  it.each([
    ['service="shop"', { service: 'shop' }, true],
    ['service=shop', { service: 'shopping' }, false],
    ['service!=shop', { service: 'shop' }, false],
    ['service!=shop', {}, true],
    ['service=""', {}, true],
    ['operation=~"GET .*"', { operation: 'GET /a' }, true],
    ['operation=~"GET"', { operation: 'GET /a' }, false],
    ['operation=~"GET /a|GET /b"', { operation: 'GET /b' }, true],
    ['operation=~"GET /a|GET /b"', { operation: 'XGET /b' }, false],
    ['operation!~"GET .*"', { operation: 'POST /a' }, true],
    ['operation=~"GET /\\d+"', { operation: 'GET /12' }, true],
    ['name="a \\"b\\" \\\\ c"', { name: 'a "b" \\ c' }, true],
    ['constructor=""', {}, true],
  ] as const)('%s of %o: %s', (text, labels, expected) => {
    expect(holds(text, labels)).toBe(expected)
    // What is stored is the text.
    expect(holds(parseMatcher(text).text, labels)).toBe(expected)
  })
})

describe('a maintenance window', () => {
  const [window] = configured(`
maintenance: [{ name: night, time_zone: Europe/Berlin, weekly: [{ days: [sat], from: "23:00", to: "04:00" }] }]`).maintenance
  /** Hours in which it holds, from a moment on. */
  const hours = (from: string, to: string) => {
    const found: string[] = []
    for (let ms = Date.parse(from); ms < Date.parse(to); ms += 1800_000) {
      if (isUnderMaintenance(window!, ms)) found.push(new Date(ms).toISOString().slice(8, 16))
    }
    return [found.length / 2, found[0], found.at(-1)]
  }

  it('is read off the clock of its zone, over midnight', () => {
    expect(hours('2026-06-05T00:00Z', '2026-06-12T00:00Z')).toEqual([5, '06T21:00', '07T01:30'])
    expect(hours('2026-01-09T00:00Z', '2026-01-16T00:00Z')).toEqual([5, '10T22:00', '11T02:30'])
  })

  it('is an hour longer or shorter in the night in which the clock changes', () => {
    expect(hours('2026-10-23T00:00Z', '2026-10-28T00:00Z')).toEqual([6, '24T21:00', '25T02:30'])
    expect(hours('2026-03-27T00:00Z', '2026-04-01T00:00Z')).toEqual([4, '28T22:00', '29T01:30'])
  })

  it('with moments holds from the first to before the last', () => {
    const [once] = configured(
      'maintenance: [{ name: a, from: "2026-11-20T02:00Z", to: "2026-11-20T03:00Z" }]',
    ).maintenance
    const at = (text: string) => isUnderMaintenance(once!, Date.parse(text))
    expect([at('2026-11-20T01:59:59.999Z'), at('2026-11-20T02:00Z'), at('2026-11-20T02:59:59.999Z')]).toEqual([
      false,
      true,
      true,
    ])
    expect(at('2026-11-20T03:00Z')).toBe(false)
  })
})

describe('an alert is not told', () => {
  const none = { silences: [], maintenance: [], inhibit: [], firing: [] }
  const slow = alert('slow', { service: 'shop' })

  it('while a silence that fits it lasts', () => {
    const silence = {
      id: 'sil_1',
      matchers: [parseMatcher('service=shop'), parseMatcher('severity!=page')],
      startsMs: at,
      endsMs: at + 1000,
      author: '',
      comment: '',
    }
    const by = (event: AlertEvent, ms: number) => mutedBy(event, { ...none, silences: [silence] }, ms)
    expect([by(slow, at - 1), by(slow, at), by(slow, at + 999), by(slow, at + 1000)]).toEqual([
      '',
      'silence sil_1',
      'silence sil_1',
      '',
    ])
    expect(by(alert('slow', { service: 'shop' }, 'page'), at)).toBe('')
    expect(by(alert('slow', { service: 'other' }), at)).toBe('')
  })

  it('in a maintenance window that fits it', () => {
    const { maintenance } = configured(
      'maintenance: [{ name: move, matchers: [service=shop], from: "2026-11-21T10:00Z", to: "2026-11-21T11:00Z" }]',
    )
    expect(mutedBy(slow, { ...none, maintenance }, at)).toBe('maintenance move')
    expect(mutedBy(alert('slow', {}), { ...none, maintenance }, at)).toBe('')
  })

  it('while one that fires inhibits it, as Alertmanager has it', () => {
    const { inhibit } = configured(
      `inhibit: [{ source: ['alertname="down"'], target: ['severity="warning"'], equal: [service] }]`,
    )
    const by = (event: AlertEvent, ...firing: AlertEvent[]) => mutedBy(event, { ...none, inhibit, firing }, at)
    const down = alert('down', { service: 'shop' }, 'page')
    expect(by(slow, slow, down)).toBe('inhibited by down')
    expect(by(slow, alert('down', { service: 'other' }, 'page'))).toBe('')
    expect(by(down, down)).toBe('')
    // A label that neither has is alike.
    expect(by(alert('slow', {}), alert('down', {}, 'page'))).toBe('inhibited by down')
    // Both are source and target: neither silences itself or its like.
    const both = alert('down', { service: 'shop' })
    expect(by(both, both, alert('down', { service: 'shop', operation: 'x' }))).toBe('')
    expect(by(both, down)).toBe('inhibited by down')
  })
})
