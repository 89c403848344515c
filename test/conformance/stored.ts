import { expect } from 'vitest'
import { api, type RunningCollector } from '../program.ts'
import { until } from '../until.ts'

/**
 * Waits until each service has as many calls as it should, and no more.
 *
 * @param absent services that must have none by then
 */
export async function stored(
  collector: RunningCollector,
  expected: Record<string, number>,
  absent: readonly string[] = [],
): Promise<void> {
  const counts = async () => {
    const { services } = await api<{ services: { service: string; calls: number }[] }>(collector, '/api/v1/services')
    return new Map(services.map(({ service, calls }) => [service, calls]))
  }
  const now = await until(`the calls of ${Object.keys(expected).join(', ')}`, async () => {
    const found = await counts()
    return Object.entries(expected).every(([service, calls]) => (found.get(service) ?? 0) >= calls) ? found : undefined
  })
  for (const [service, calls] of Object.entries(expected)) expect(now.get(service), service).toBe(calls)
  for (const service of absent) expect(now.has(service), service).toBe(false)
}
