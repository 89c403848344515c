import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { limits } from '../../limits.ts'
import { changed, type Flap, settled, steady } from './flap.ts'

const minute = 60_000

const after = (minutes: readonly number[]): Flap => {
  return minutes.reduce((flap, at) => changed(settled(flap, at * minute), at * minute), steady)
}

describe('flapping', () => {
  it.each([
    ['three changes', [0, 1, 2], false],
    ['four changes within half an hour', [0, 10, 20, 29], true],
    ['four changes over half an hour', [0, 10, 20, 30], false],
    ['changes that are far apart', [0, 20, 40, 60, 80, 100], false],
    ['a burst after a long rest', [0, 100, 101, 102, 103], true],
  ])('%s', (_, minutes, expected) => {
    expect(after(minutes).flapping).toBe(expected)
  })

  it('ends a quarter of an hour after the last change, and counts anew then', () => {
    const flap = after([0, 1, 2, 3, 10])
    expect(settled(flap, 25 * minute - 1)).toBe(flap)
    expect(settled(flap, 25 * minute)).toEqual(steady)
  })

  it('does not grow, takes a change once, and never flaps with fewer changes than it takes', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(120 * minute), { maxLength: 40 }), (times) => {
        const ordered = [...times].sort((a, b) => a - b)
        const flap = ordered.reduce((so, at) => changed(changed(so, at), at), steady)
        expect(flap.changesMs.length).toBeLessThanOrEqual(limits.flapChanges)
        const distinct = [...new Set(ordered)]
        const dense = distinct.some((at, i) => {
          const fourth = distinct[i + limits.flapChanges - 1]
          return fourth !== undefined && fourth - at < limits.flapWindowMs
        })
        expect(flap.flapping).toBe(dense)
      }),
    )
  })
})
