import { describe, expect, it } from 'vitest'
import { defaultGrouping, type Grouping } from '../../config/config.ts'
import type { AlertEvent } from '../alert/step.ts'
import { type Group, groupOf, turn, withEvent } from './group.ts'

const s = 1000
const m = 60 * s
const h = 60 * m

/** A group whose events and looks are walked through; a line for each notice, or each decision to be silent. */
class Walk {
  group: Group
  told: string[] = []
  settled: string[] = []
  muted = new Set<string>()
  readonly #grouping: Grouping
  #count = 0

  constructor(grouping: Partial<Grouping> = {}) {
    this.#grouping = { ...defaultGrouping, ...grouping }
    this.group = groupOf(this.#event('a', 'firing', 0, 'warning'), 'ops', this.#grouping.by, false)
  }

  #event(name: string, state: AlertEvent['state'], atMs: number, severity: string): AlertEvent {
    const labels = { operation: name }
    const id = `${name}${++this.#count}`
    const same = { rule: 'slow', labels, severity, value: 2, threshold: 1, calls: 10, summary: '', activeSinceMs: 0 }
    return { id, atMs, fingerprint: name, state, ...same }
  }

  event(atMs: number, name: string, state: AlertEvent['state'], severity = 'warning'): this {
    this.group = withEvent(this.group, this.#event(name, state, atMs, severity))
    return this.look(atMs)
  }

  look(atMs: number): this {
    const next = turn(this.group, this.#grouping, atMs, ({ fingerprint }) => (this.muted.has(fingerprint) ? 'why' : ''))
    this.group = next.group
    const { draft, silent } = next
    if (silent !== undefined) {
      this.told.push(`${atMs / s}s muted ${silent.eventIds}`)
      this.settled.push(...silent.eventIds)
    }
    if (draft !== undefined) {
      const names = draft.members.map(({ event, told }) => `${event.fingerprint}:${event.state}${told ? '*' : ''}`)
      this.told.push(`${atMs / s}s ${draft.reason} ${draft.status} ${names.join(' ')}`)
      this.settled.push(...draft.eventIds)
    }
    return this
  }
}

describe('a group', () => {
  it('is told at once, then what changed every interval, and its end at once', () => {
    const walk = new Walk()
      .event(0, 'a', 'firing')
      .event(10 * s, 'b', 'firing')
      .event(20 * s, 'a', 'resolved')
      .look(5 * m - 1)
      .look(5 * m)
      .look(6 * m)
      .event(7 * m, 'b', 'resolved')
      .look(8 * m)
    expect(walk.told).toEqual([
      '0s firing firing a:firing',
      '300s changed firing b:firing a:resolved*',
      '420s resolved resolved b:resolved*',
    ])
    expect(walk.settled).toEqual(['a2', 'a4', 'b3', 'b5'])
    expect(walk.group.lastMs).toBeUndefined()
  })

  it('does not keep a new page waiting for the interval', () => {
    const walk = new Walk()
      .event(0, 'a', 'firing')
      .event(5 * s, 'b', 'firing', 'page')
      .event(6 * s, 'c', 'firing')
    expect(walk.told).toEqual(['0s firing firing a:firing', '5s changed firing b:firing a:firing*'])
  })

  it('waits for others where it is asked to', () => {
    const walk = new Walk({ waitMs: 30 * s })
      .event(0, 'a', 'firing')
      .event(20 * s, 'b', 'firing')
      .look(30 * s)
    expect(walk.told).toEqual(['30s firing firing a:firing b:firing'])
  })

  it('tells of one that came and went before it was told', () => {
    const walk = new Walk({ waitMs: 30 * s }).event(0, 'a', 'firing').event(10 * s, 'a', 'resolved')
    expect(walk.told).toEqual(['10s resolved resolved a:resolved'])
    expect(walk.settled).toEqual(['a2', 'a3'])
  })

  it('is repeated while nothing changes', () => {
    const walk = new Walk()
      .event(0, 'a', 'firing')
      .look(4 * h - 1)
      .look(4 * h)
      .look(5 * h)
      .look(8 * h)
    expect(walk.told).toEqual([
      '0s firing firing a:firing',
      '14400s repeat firing a:firing*',
      '28800s repeat firing a:firing*',
    ])
  })

  it('takes the same event once, also after it was settled by another start', () => {
    const walk = new Walk().event(0, 'a', 'firing')
    const [member] = [...walk.group.members.values()]
    const again = withEvent(withEvent(walk.group, member!.event), member!.event)
    expect(again.members.get('a')?.pending).toHaveLength(1)
    expect(again.members.get('a')?.flap.changesMs).toEqual([0])
  })

  it('names all that is known of its labels in its key, and hashes what is too long', () => {
    const { event } = [...new Walk().event(0, 'a', 'firing').group.members.values()][0]!
    expect(groupOf(event, 'ops', ['operation', 'service', 'alertname'], false)).toMatchObject({
      key: '{}:{alertname="slow", operation="a"}',
      labels: { alertname: 'slow', operation: 'a' },
    })
    const long = { ...event, labels: { operation: 'x'.repeat(300) } }
    expect(groupOf(long, 'ops', ['operation'], false).key).toMatch(/^[0-9a-f]{32}$/)
    expect(groupOf(event, 'ops', ['alertname'], true).key).toBe(
      '{threshold}:{alertname="slow", operation="a", severity="warning"}',
    )
  })
})

describe('a muted alert', () => {
  it('is told when that ends and it still fires', () => {
    const walk = new Walk()
    walk.muted.add('a')
    walk.event(0, 'a', 'firing').look(m)
    walk.muted.clear()
    walk.look(2 * m)
    expect(walk.told).toEqual(['0s muted ', '120s firing firing a:firing'])
    expect(walk.settled).toEqual(['a2'])
  })

  it('that came and went is never told', () => {
    const walk = new Walk()
    walk.muted.add('a')
    walk.event(0, 'a', 'firing').event(m, 'a', 'resolved')
    walk.muted.clear()
    walk.look(2 * m)
    expect(walk.told).toEqual(['0s muted ', '60s muted a2,a3'])
    expect(walk.settled).toEqual(['a2', 'a3'])
  })

  it('of which was told before is told again when it still fires then, and of its end otherwise', () => {
    for (const ends of [false, true]) {
      const walk = new Walk().event(0, 'a', 'firing')
      walk.muted.add('a')
      walk.look(m)
      if (ends) walk.event(2 * m, 'a', 'resolved')
      walk.look(5 * h)
      walk.muted.clear()
      walk.look(6 * h)
      const last = ends ? '21600s resolved resolved a:resolved*' : '21600s changed firing a:firing*'
      expect(walk.told).toEqual(['0s firing firing a:firing', '60s muted ', last])
      expect(walk.settled).toEqual(ends ? ['a2', 'a3'] : ['a2'])
    }
  })

  it('does not end what others of its group are told', () => {
    const walk = new Walk().event(0, 'a', 'firing').event(0, 'b', 'firing', 'page')
    walk.muted.add('a')
    walk.look(m).event(10 * m, 'b', 'resolved', 'page')
    expect(walk.told.slice(1)).toEqual([
      '0s changed firing b:firing a:firing*',
      '60s muted ',
      '600s changed firing b:resolved*',
    ])
  })
})

describe('a flapping alert', () => {
  it('is told of once, and again when it kept still', () => {
    for (const last of ['firing', 'resolved'] as const) {
      const walk = new Walk()
      for (let i = 0; i < 10; i++) walk.event(i * m, 'a', i % 2 === 0 ? 'firing' : 'resolved')
      if (last === 'firing') walk.event(10 * m, 'a', 'firing')
      for (let at = 11; at < 40; at++) walk.look(at * m)
      const end = last === 'firing' ? '1500s changed firing a:firing*' : '1440s resolved resolved a:resolved*'
      expect(walk.told).toEqual([
        '0s firing firing a:firing',
        '60s resolved resolved a:resolved*',
        '120s firing firing a:firing*',
        '180s flapping firing a:resolved*',
        end,
      ])
      expect(new Set(walk.settled).size).toBe(walk.settled.length)
      expect(walk.settled).toHaveLength(last === 'firing' ? 11 : 10)
    }
  })
})

it('what is told once is told once, alone, and not repeated', () => {
  const event: AlertEvent = {
    id: 'evt_1',
    atMs: 0,
    rule: 'monthly',
    fingerprint: 'q',
    labels: { consumer: 'acme', threshold: '80%' },
    severity: 'warning',
    state: 'firing',
    value: 0.8,
    threshold: 0.8,
    calls: 800,
    summary: '',
    activeSinceMs: 0,
  }
  const group = withEvent(groupOf(event, 'ops', [], true), event, true)
  const first = turn(group, defaultGrouping, 0, () => '')
  expect(first.draft).toMatchObject({ reason: 'threshold', status: 'firing', eventIds: ['evt_1'] })
  expect(first.group.members.size).toBe(0)
  expect(turn(first.group, defaultGrouping, 5 * h, () => '').draft).toBeUndefined()
  const muted = turn(group, defaultGrouping, 0, () => 'silence x')
  expect(muted.silent).toEqual({ why: 'silence x', eventIds: ['evt_1'] })
  expect(muted.group.members.size).toBe(0)
})
