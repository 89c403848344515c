import { expect, test, vi } from 'vitest'
import { Agent } from './agent.ts'
import { readConfig } from './config.ts'
import { Log } from './log.ts'

test('an application whose word keeps failing is no longer listened to, as is said', () => {
  const written: string[] = []
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0)
  const agent = new Agent(readConfig({}, {}).config, new Log('error'))
  let asked = 0
  const request = new Proxy(
    {},
    {
      get() {
        asked += 1
        throw new Error('no')
      },
    },
  )
  for (let i = 0; i < 15; i++) agent.setConsumer({ id: 'acme' }, request)
  vi.restoreAllMocks()
  expect(asked).toBe(10)
  expect(written.at(-1)).toMatch(/10 faults in the application's word within a minute: it is switched off/)
})
