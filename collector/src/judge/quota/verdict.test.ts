import { expect, it } from 'vitest'
import { judgeQuota } from './verdict.ts'

it('a quota is near from 80 % and over beyond the limit', () => {
  expect(judgeQuota(799, 1000).state).toBe('ok')
  expect(judgeQuota(800, 1000)).toEqual({ state: 'near', usedRatio: 0.8 })
  expect(judgeQuota(1000, 1000).state).toBe('near')
  expect(judgeQuota(1001, 1000).state).toBe('over')
})
