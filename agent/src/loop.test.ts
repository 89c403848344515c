import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Health } from './health.ts'
import { Log } from './log.ts'
import { Loop } from './loop.ts'

function block(time: number): void {
  const until = performance.now() + time
  while (performance.now() < until);
}

test('a blocked event loop is seen by the calls under way, and by no others', async () => {
  let calls = 1
  const loop = new Loop(
    () => calls > 0,
    new Health(new Log('warn')).feature('event loop', () => {}),
  )
  const begun = performance.now()
  loop.watch(begun)
  const before = loop.late(begun)
  block(120)
  // Even before the timer has had its turn.
  const inside = loop.late(performance.now()) - before
  expect(inside).toBeGreaterThan(95)
  expect(inside).toBeLessThanOrEqual(performance.now() - begun)
  await sleep(30)
  const after = loop.late(performance.now())
  expect(after - before).toBeGreaterThanOrEqual(inside)
  calls = 0
  // Two turns of the timer later nobody measures any more.
  await sleep(60)
  const idle = loop.late(performance.now())
  block(50)
  expect(loop.late(performance.now())).toBe(idle)
  loop.stop()
})
