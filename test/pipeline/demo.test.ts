import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { api, callsightProgram, Program } from '../program.ts'
import { until } from '../until.ts'

it('the demo shows everything, delivers its alert, accounts for every call and leaves nothing behind', async () => {
  const demo = new Program([callsightProgram, 'demo', '--seconds', '45'], { name: 'callsight demo' })
  const [, web] = await demo.line(/viewer\s+(http:\S+)/)
  const ready = Date.now()
  const at = { web: web! }
  await until('consumers by name, a quota and an objective', async () => {
    const { consumers } = await api<{ consumers: { id: string; name: string }[] }>(at, '/api/v1/consumers')
    const { quotas } = await api<{ quotas: unknown[] }>(at, '/api/v1/quotas')
    const { objectives } = await api<{ objectives: unknown[] }>(at, '/api/v1/objectives')
    const named = new Set(consumers.map(({ name }) => name))
    return named.has('Acme Corp') && named.has('Umbrella') && quotas.length > 0 && objectives.length > 0
  })
  expect(Date.now() - ready).toBeLessThan(10_000)
  await demo.line(/webhook {2}firing: slow: .*GET \/api\/reports\/sales/, 60_000)
  expect(await demo.ended, demo.stderr).toEqual({ code: 0, signal: null })
  const [sent, captured, stored] = ['sent', 'captured', 'stored'].map((word) =>
    Number(new RegExp(`^ {2}calls ${word} +(\\d+)$`, 'm').exec(demo.stdout)?.[1]),
  )
  expect(sent).toBeGreaterThan(100)
  expect([captured, stored]).toEqual([sent, sent])
  expect(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })).not.toContain('demo/bookshop.js')
}, 120_000)
