import { describe, expect, it } from 'vitest'
import { Unreadable } from '../config/fault.ts'
import { indicatorOfErrors, indicatorOfSuccess } from './indicator.ts'
import { countOf } from './promql.ts'

const requests = 'http_request_duration_seconds_count'
const count = (matchers: string) => `sum(rate(${requests}{${matchers}}[{{.window}}]))`

function refusal(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (error instanceof Unreadable) return error.message
    throw error
  }
  return 'was read'
}

describe('an expression of PromQL', () => {
  it('is read as the selectors that it adds up and takes off', () => {
    expect(
      countOf(`sum by (job) (increase(a{x="1", y!~'2|3'}[5m])) - (sum(rate(b{le="0.3"}[5m])) or vector(0))`),
    ).toEqual({
      added: [
        {
          metric: 'a',
          matchers: [
            { label: 'x', operator: '=', value: '1' },
            { label: 'y', operator: '!~', value: '2|3' },
          ],
        },
      ],
      taken: [{ metric: 'b', matchers: [{ label: 'le', operator: '=', value: '0.3' }] }],
    })
    expect(countOf('up').added).toEqual([{ metric: 'up', matchers: [] }])
    expect(countOf('a{path="\\\\d\\"{}[]"}').added[0]!.matchers[0]!.value).toBe('\\d"{}[]')
  })

  it.each([
    ['histogram_quantile(0.9, rate(a[5m]))', 'histogram_quantile()'],
    ['rate(a[5m]) * 100', '"*"'],
    ['a{job="x"', 'is not a condition'],
    ['a{job=5}', 'is not a condition'],
    ['rate(a[5m', 'lacks a ]'],
    ['', 'selects no metric'],
    ['a ; b', 'is not PromQL'],
  ])('%s is refused', (text, words) => {
    expect(refusal(() => countOf(text))).toContain(words)
  })
})

describe('an indicator', () => {
  it('of errors is about one service and operation, and names statuses beyond our own meaning of failed', () => {
    const about = 'job="shop",method="POST",handler="/orders"'
    const of = (status: string) => indicatorOfErrors(count(`${about},${status}`), count(about))
    const subject = { service: 'shop', operation: 'POST /orders' }
    expect(of('code=~"5.."')).toEqual(subject)
    expect(of('code=~"5xx"')).toEqual(subject)
    expect(of('code=~"(5..|429)"')).toEqual({ ...subject, failed: ['server_error', 'timeout', 429] })
    expect(of('code=~"[45].."')).toEqual({ ...subject, failed: ['server_error', 'timeout', 'client_error'] })
    expect(of('code!~"1..|2..|3..|4.."')).toEqual(subject)
  })

  it('of latency is all but the fast ones, or the fast ones of all', () => {
    const bucket = 'sum(rate(http_request_duration_seconds_bucket{job="shop",le="0.25"}[5m]))'
    const expected = { service: 'shop', good: { latency_below: '250ms' } }
    expect(indicatorOfErrors(`${count('job="shop"')} - ${bucket}`, count('job="shop"'))).toEqual(expected)
    expect(indicatorOfSuccess(bucket, count('job="shop"'))).toEqual(expected)
  })

  it.each([
    ['code=~"5.."', 'job="a"', 'are about different calls'],
    ['job="a"', 'job="a"', 'does not say which status is an error'],
    ['job="a",code="503"', 'job="a"', 'some server errors would count as good'],
    ['job="a",code!~"2.."', 'job="a"', 'a status below 400 would count as failed'],
    ['job="a",code=~"("', 'job="a"', 'is not a regular expression'],
    ['job="a",pod="x",code=~"5.."', 'job="a",pod="x"', 'calls have no label "pod"'],
    ['job=~"a|b",code=~"5.."', 'job=~"a|b"', 'names more than one value'],
    ['job=~"a.*",code=~"5.."', 'job=~"a.*"', 'a service or consumer is a pattern'],
  ])('of {%s} over {%s} is refused', (errors, total, words) => {
    expect(refusal(() => indicatorOfErrors(count(errors), count(total)))).toContain(words)
  })
})
