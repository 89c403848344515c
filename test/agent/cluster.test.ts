import { expect, test } from 'vitest'
import { serve, tally } from './host.ts'
import { startReceiver } from './receiver.ts'

test('cluster: every process is an instance of its own, every call is counted once', async () => {
  const receiver = await startReceiver()
  const host = await serve('cluster.cjs', { collector: receiver.url })
  const answers: string[] = []
  for (let i = 0; i < 20; i++) {
    answers.push(await (await fetch(host.url, { headers: { connection: 'close' } })).text())
  }
  expect(await host.stop()).toMatchObject({ code: 0, stderr: '' })
  const instances = tally(receiver.calls, (call) => String(call.resource['process.pid']))
  expect(instances).toEqual(tally(answers, (pid) => pid))
  expect(new Set(receiver.calls.map((call) => call.resource['service.instance.id'])).size).toBe(2)
  await receiver.close()
})
