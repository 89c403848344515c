import { beforeAll, describe, it } from 'vitest'
import { type RunningCollector, startCollector } from '../program.ts'
import { encoding } from './musts/encoding.ts'
import { grpc } from './musts/grpc.ts'
import { http } from './musts/http.ts'

let collector: RunningCollector
beforeAll(async () => {
  collector = await startCollector({ lasting: true })
})

describe('what the OTLP specification asks of a server', () => {
  it.each([...encoding, ...grpc, ...http])('$id: $section: $level: $requirement', async ({ test }) => {
    await test(collector)
  })
})
