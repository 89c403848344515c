import { describe, expect, it } from 'vitest'
import { api, startCollector } from '../program.ts'
import { until } from '../until.ts'
import { exporting, languages } from './record/programs.mjs'

/** The calls of each program, in and out. */
const calls = [
  'in GET (unmatched) 1',
  'in GET /items/{id} 1',
  'in GET /prices/{id} 1',
  'out GET /items/{id} 1',
  'out GET /missing 1',
  'out GET /prices/{id} 1',
]

describe.each(Object.entries(languages))('the SDK for %s, live', (language, program) => {
  const available = program.available()
  const how = available ? 'sends' : 'is not installed here, see record/README.md: skipped'
  it.skipIf(!available).each([
    ['http/protobuf', 'gzip'],
    ['grpc', undefined],
  ])(`${how} over %s`, { timeout: 120_000 }, async (protocol, compression) => {
    const collector = await startCollector()
    const endpoint = protocol === 'grpc' ? `http://${collector.grpc}` : collector.otlp
    await program.run('old', exporting({ language, endpoint, protocol, compression }))
    const stored = await until('six calls', async () => {
      const lists = await Promise.all(['in', 'out'].map((direction) => operations(collector, direction)))
      return lists.flat().length === calls.length ? lists.flat() : undefined
    })
    expect(stored).toEqual(calls)
    await collector.stop()
  })
})

async function operations(collector: { web: string }, direction: string): Promise<string[]> {
  const path = `/api/v1/operations?direction=${direction}`
  const { operations } = await api<{ operations: { operation: string; calls: number }[] }>(collector, path)
  return operations.map(({ operation, calls }) => `${direction} ${operation} ${calls}`).sort()
}
