import { boardOf } from '@callsight/dashboards'
import { describe, expect, test } from 'vitest'
import { stacked } from './draw/stack.ts'
import { colorOf, lookOf, shownOf } from './field.ts'
import { frameOf, isEmpty } from './frame.ts'
import { addressOf } from './link.ts'
import { urlOf, viewOf } from './view.ts'

const overview = boardOf('callsight-overview')!
const consumers = boardOf('callsight-consumers')!
const outcome = overview.panels.find(({ title }) => title === 'Requests by outcome')!
const byConsumer = consumers.panels.find(({ title }) => title === 'Calls by consumer')!
const alerts = overview.panels.find(({ title }) => title === 'Alerts')!

describe('an answer as lines', () => {
  test('one for each number column', () => {
    const frame = frameOf(outcome, {
      columns: [
        { name: 'time', type: 'time' },
        { name: 'ok', type: 'number' },
        { name: 'timeout', type: 'number' },
      ],
      rows: [
        [1000, 1, 0],
        [2000, 2, null],
      ],
    })
    expect(frame.times).toEqual([1000, 2000])
    expect(frame.series.map(({ name, values }) => [name, values])).toEqual([
      ['ok', [1, 2]],
      ['timeout', [0, null]],
    ])
    expect(frame.series[0]!.look.color).toEqual({ mode: 'fixed', fixedColor: 'green' })
  })

  test('one for each label, with gaps where it has no row', () => {
    const frame = frameOf(byConsumer, {
      columns: [
        { name: 'time', type: 'time' },
        { name: 'shown', type: 'text' },
        { name: 'requests/s', type: 'number' },
      ],
      rows: [
        [1000, 'a', 1],
        [1000, 'all others', 5],
        [2000, 'a', 2],
        [3000, 'b', 3],
      ],
    })
    expect(frame.times).toEqual([1000, 2000, 3000])
    expect(frame.series.map(({ name, values }) => [name, values])).toEqual([
      ['a', [1, 2, null]],
      ['all others', [5, null, null]],
      ['b', [null, null, 3]],
    ])
    expect(frame.series[1]!.look.color).toEqual({ mode: 'fixed', fixedColor: 'text' })
    expect(stacked(frame.series).map(({ name, values }) => [name, values])).toEqual([
      ['b', [6, 2, 3]],
      ['all others', [6, 2, 0]],
      ['a', [1, 2, 0]],
    ])
  })

  test('nothing to draw', () => {
    expect(isEmpty({ times: [], series: [] })).toBe(true)
    expect(isEmpty(frameOf(outcome, { columns: [{ name: 'time', type: 'time' }], rows: [[1]] }))).toBe(true)
  })
})

test('a value by its mapping, its thresholds or its unit', () => {
  const state = lookOf(alerts, 'state')
  expect([colorOf(state, 'firing'), shownOf(state, 'firing').text]).toEqual(['red', 'firing'])
  const share = lookOf(overview.panels.find(({ title }) => title === 'Operations')!, 'error share')
  expect([0, 0.01, 0.5].map((value) => colorOf(share, value))).toEqual(['text', 'yellow', 'red'])
  expect(shownOf(share, null)).toEqual({ text: '–', suffix: '' })
})

describe('addresses', () => {
  const view = viewOf(
    new URL('http://x/d/callsight-overview?from=now-1h&to=now&var-service=a&var-service=b%20c'),
    'home',
  )

  test('a view survives its own URL', () => {
    expect(view).toEqual({
      uid: 'callsight-overview',
      range: { from: 'now-1h', to: 'now' },
      refresh: undefined,
      variables: { service: ['a', 'b c'] },
    })
    expect(viewOf(new URL(`http://x${urlOf(view)}`), 'home')).toEqual(view)
    expect(viewOf(new URL('http://x/?var-service=$__all'), 'home')).toMatchObject({ uid: 'home', variables: {} })
  })

  test('a value in a link stays a value', () => {
    const page = { view, span: { from: 1, to: 2 }, zoom() {}, widen() {} }
    const url = `/d/other?var-service=\${__value.raw:percentencode}&var-p=\${__data.fields.plan:percentencode}&\${__url_time_range}`
    expect(addressOf(url, 'a&b=/..', ['a&b=/..', 'gold'], [{ name: 'service' }, { name: 'plan' }], page)).toBe(
      '/d/other?var-service=a%26b%3D%2F..&var-p=gold&from=now-1h&to=now',
    )
  })
})
