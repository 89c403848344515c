import { expect, it } from 'vitest'
import { judgeUpstream } from './verdict.ts'

const now = 1_000_000
const word = { seenMs: now - 5000, allowed: 100, remaining: 21, resetsMs: now + 1000, retryMs: null }

it.each([
  [{}, 'ok', 79, 21],
  [{ remaining: 20 }, 'near', 80, 20],
  [{ remaining: 0 }, 'exhausted', 100, 0],
  [{ remaining: 120 }, 'ok', 0, 120],
  [{ allowed: 0, remaining: 0 }, 'exhausted', 0, 0],
  // The window ended, and nobody has asked since.
  [{ remaining: 0, resetsMs: now - 1 }, 'renewed', 0, 100],
  [{ remaining: 0, resetsMs: now - 1, allowed: null }, 'renewed', null, null],
  // A reset that was over when it was told says nothing.
  [{ remaining: 0, resetsMs: now - 6000 }, 'exhausted', 100, 0],
  [{ resetsMs: null }, 'ok', 79, 21],
  [{ retryMs: now + 1 }, 'exhausted', 79, 21],
  [{ retryMs: now }, 'ok', 79, 21],
  [{ allowed: null }, 'ok', null, 21],
  [{ remaining: null }, 'unknown', null, null],
  [{ allowed: null, remaining: null, resetsMs: null, retryMs: now + 1 }, 'exhausted', null, null],
] as const)('%j is %s', (more, state, used, remaining) => {
  expect(judgeUpstream({ ...word, ...more }, now)).toMatchObject({ state, used, remaining })
})

it('tells the used share, all of it where nothing is allowed', () => {
  expect(judgeUpstream(word, now).usedRatio).toBe(0.79)
  expect(judgeUpstream({ ...word, allowed: 0, remaining: 0 }, now).usedRatio).toBe(1)
  expect(judgeUpstream({ ...word, allowed: null }, now).usedRatio).toBe(null)
})
