import { beforeAll, describe, it } from 'vitest'
import { type RunningCollector, startCollector } from '../program.ts'
import { musts } from './musts.ts'

let collector: RunningCollector
beforeAll(async () => {
  collector = await startCollector({ lasting: true })
})

describe('what the OTLP specification asks of a server', () => {
  it.each(musts)('$id: $section: $level: $requirement', async ({ test }) => {
    await test(collector)
  })
})
