import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { api, startCollector, temporaryFolder } from '../program.ts'
import { until } from '../until.ts'

it('a changed file is taken over, a faulty one is refused and the old one stays', async () => {
  const file = join(temporaryFolder(), 'callsight.yaml')
  const token = (name: string) => createHash('sha256').update(name).digest('hex')
  const write = (name: string, more = '') =>
    writeFileSync(file, `tokens:\n  - { name: ${name}, scope: ingest, sha256: "${token(name)}" }\n${more}`)
  write('first')
  const collector = await startCollector({ args: ['--config', file] })
  const status = (name: string) =>
    fetch(`${collector.otlp}/v1/traces`, {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${name}` },
    }).then((response) => response.status)
  expect([await status('first'), await status('second')]).toEqual([200, 401])

  write('second', 'alerts:\n  - { name: slow, when: p95 > 1s }\n')
  await until('the second token', async () => (await status('second')) === 200)
  expect(await status('first')).toBe(401)
  expect(await api(collector, '/api/v1/alerts/rules')).toMatchObject({ rules: [{ name: 'slow' }] })

  write('third', 'alerts:\n  - { name: slow, when: p95 > quickly }\n')
  await until('refusal in the log', () => collector.stderr.includes('is faulty; the old configuration stays'))
  expect(collector.stderr).toContain(`${file}:4:25: alerts[0].when: `)
  expect([await status('second'), await status('third')]).toEqual([200, 401])
  await collector.stop()
})
