import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { limits } from '../../limits.ts'
import { Reader } from './reader.ts'
import { Span } from './span.ts'
import { rounded, Weights, weightOf } from './weight.ts'

describe('what a tracestate tells', () => {
  it.each([
    ['', 1],
    ['congo=t61rcWkgMzE', 1],
    ['ot=th:0', 1],
    ['ot=th:8', 2],
    ['ot=th:c', 4],
    ['congo=1,ot=th:fd70a4;rv:0123456789abcd', 100],
    ['ot=rv:0123456789abcd;th:8,congo=1', 2],
    [' ot = th:8 ', 2],
    ['ot=p:0', 1],
    ['ot=r:10;p:3', 8],
    ['ot=p:63', 1],
    ['ot=p:62', limits.weight],
    ['ot=th:ffffffffffffff', limits.weight],
    // Neither of these is what the specification allows.
    ['ot=th:', 1],
    ['ot=th:123456789abcdef', 1],
    ['ot=th:xyz', 1],
    ['not=th:8', 1],
    ['ot=p:x', 1],
  ])('%s counts as %s', (state, weight) => {
    expect(weightOf(state)).toBeCloseTo(weight, 3)
  })
})

describe('a weight that is no whole number', () => {
  it('becomes one of its neighbours, always the same for a trace, and true in the mean', () => {
    // A threshold of 1/3 rejects a third: each that is left stands for one and a half.
    const bytes = Buffer.concat([Buffer.from('ot=th:55555555555555'), Buffer.alloc(16)])
    const reader = new Reader()
    reader.open(bytes)
    const weights = new Weights(reader)
    const span = new Span()
    span.begin(reader)
    span.stateEnd = bytes.length - 16
    span.traceAt = bytes.length - 16
    const drawn = Array.from({ length: 20_000 }, (_, i) => {
      createHash('md5').update(String(i)).digest().copy(bytes, span.traceAt)
      const weight = weights.of(span)
      expect(weights.of(span)).toBe(weight)
      return weight
    })
    expect(new Set(drawn)).toEqual(new Set([1, 2]))
    const mean = drawn.reduce((sum, weight) => sum + weight, 0) / drawn.length
    // Three standard errors of a draw of 20,000.
    expect(Math.abs(mean - 1.5)).toBeLessThan(3 * Math.sqrt(0.25 / 20_000))
    expect([rounded(1.25, 0.2499), rounded(1.25, 0.25), rounded(3, 0)]).toEqual([2, 1, 3])
  })
})
