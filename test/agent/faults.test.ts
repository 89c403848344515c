import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { run } from './host.ts'
import { type Receiver, startReceiver } from './receiver.ts'

/*
 * An agent that is broken: whatever it is that throws, the host's answers, errors and end are what they are without it.
 */

let receiver: Receiver

beforeEach(async () => {
  receiver = await startReceiver()
})
afterEach(() => receiver.close())

interface Broken {
  name: string
  /** How often the broken function was called. */
  met: number
  /** What the host noticed. */
  problems: string[]
}

test('every function of the agent broken in turn: no answer changes, nothing is thrown', {
  timeout: 120_000,
}, async () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url }
  const parts = [0, 1].map((part) => run('sabotage-all.cjs', { env, args: [String(part), '2'] }).ended)
  const ends = await Promise.all(parts)
  const found: Broken[] = []
  for (const { code, stdout, stderr } of ends) {
    expect(code, stderr).toBe(0)
    found.push(...JSON.parse(stdout).found)
    // The first fault is said with its place, and what fails ten times takes itself out.
    expect(stderr).toMatch(/fault in [a-z ]+, the application is not affected: Error: sabotage of/)
    expect(stderr).toMatch(/10 faults in [a-z ]+ within a minute: it is switched off in this process/)
  }
  expect(found.filter(({ problems }) => problems.length > 0)).toEqual([])
  expect(found.length).toBeGreaterThan(60)
})

const preload = fileURLToPath(new URL('app/broken.cjs', import.meta.url))
const functions = [
  'ship/delivery.js Delivery.flush',
  'ship/delivery.js Delivery.leftovers',
  'ship/lastsend.js sendNow',
  'capture/calls.js Calls.endAll',
]

test.each(functions)('a process whose agent breaks at its end, in %s, ends as without it', async (name) => {
  const end = (way: string, broken: boolean) =>
    run('ends.cjs', {
      ...(broken && { collector: receiver.url, node: ['--require', preload] }),
      env: { APP_END: way, APP_BREAK: name },
    }).ended
  await Promise.all(
    ['itself', 'exit', 'throw'].map(async (way) => {
      const [plain, watched] = await Promise.all([end(way, false), end(way, true)])
      expect([watched.code, watched.signal, watched.stdout]).toEqual([plain.code, plain.signal, plain.stdout])
      expect(watched.stderr).not.toContain('at LastWords')
    }),
  )
})
