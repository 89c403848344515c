import { describe, expect, it } from 'vitest'
import { parseShare } from '../../config/share.ts'
import { judgeObjective } from './verdict.ts'

const counts = { total: 0, bad: 0, total1h: 0, bad1h: 0, total5m: 0, bad5m: 0 }

describe('an objective', () => {
  it('without calls has no verdict', () => {
    const nothing = { attainment: null, met: null, budgetLeft: null, burnRate1h: null, burnRate5m: null }
    expect(judgeObjective(counts, parseShare('99%'))).toEqual(nothing)
  })

  it('is met with exactly as many bad calls as allowed, and not with one more', () => {
    const target = parseShare('99.9%')
    const at = (bad: number) => judgeObjective({ ...counts, total: 1_000_000, bad }, target)
    expect(at(1000)).toMatchObject({ met: true, budgetLeft: 0, attainment: 0.999 })
    expect(at(1001).met).toBe(false)
    expect(at(1001).budgetLeft).toBeCloseTo(-0.001, 12)
    expect(at(0)).toMatchObject({ met: true, budgetLeft: 1, attainment: 1 })
  })

  it('burns at 14.4 when a 30-day budget would be gone in 50 hours', () => {
    const verdict = judgeObjective({ ...counts, total: 1e5, bad: 0, total1h: 10_000, bad1h: 144 }, parseShare('99.9%'))
    expect(verdict.burnRate1h).toBeCloseTo(14.4, 10)
    expect(verdict.burnRate5m).toBeNull()
  })
})
