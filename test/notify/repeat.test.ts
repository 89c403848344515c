import pino from 'pino'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { parseConfig } from '../../collector/src/config/read.ts'
import { Judge } from '../../collector/src/judge/judge.ts'
import type { Store } from '../../collector/src/store/store.ts'
import { emptyStore, insertCalls } from '../judge/calls.ts'
import { type Receiver, startReceiver } from './receiver.ts'

let store: Store
let close: () => Promise<void>
let receiver: Receiver
beforeAll(async () => {
  receiver = await startReceiver()
  ;({ store, close } = await emptyStore())
})
afterAll(async () => {
  await close()
  await receiver.close()
})

it('an Alertmanager is told again before it forgets, other channels when it is time to repeat', async () => {
  const { config, faults } = parseConfig(
    `alerts: [{ name: slow, when: p95 > 300ms, over: 1m, keep_firing_for: 10m, notify: [am, hook] }]
channels:
  am: { alertmanager: "${receiver.url}" }
  hook: { webhook: "${receiver.url}/hook" }`,
    'test',
    {},
  )
  expect(faults).toEqual([])
  let nowMs = Math.floor(Date.now() / 60_000) * 60_000 - 3600_000
  const log = pino({ level: 'silent' })
  const judge = new Judge({ store, config: config!, log, externalUrl: () => 'http://collector:4319', now: () => nowMs })
  const tick = async (minutes: number) => {
    nowMs += minutes * 60_000
    const call = { atMs: nowMs - 7000, durationUs: 400_000 }
    await insertCalls(
      store,
      Array.from({ length: 20 }, () => call),
    )
    await judge.judgeAlerts()
  }
  const told = () =>
    receiver.received
      .map(({ path, body }) => (path === '/hook' ? `hook: ${JSON.parse(body).notification_reason}` : path))
      .sort()
  await tick(0)
  await vi.waitFor(() => expect(told()).toEqual(['/api/v2/alerts', 'hook: firing']), 5000)
  await tick(4)
  await tick(1)
  await vi.waitFor(() => expect(told()).toEqual(['/api/v2/alerts', '/api/v2/alerts', 'hook: firing']), 5000)
  await judge.stop()
  const [first, second] = receiver.received
    .filter(({ path }) => path !== '/hook')
    .map(({ body }) => JSON.parse(body)[0])
  expect(second.labels).toEqual(first.labels)
  expect(second.startsAt).toBe(first.startsAt)
})
