import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { QUOTA_FIELDS, QUOTA_VALUE } from '../limits.ts'
import { compileRedactor } from '../redact/redactor.ts'
import { quotaFields } from './quota.ts'

const redactor = compileRedactor({ mode: 'masked', names: [], paths: [], allow: [] })
const redact = (value: string) => redactor.quota(value)
const bytes = (fields: string[]) => fields.map((field) => Buffer.from(field))

describe('fields about quotas', () => {
  test.each([
    ['RateLimit', '"default";r=50;t=30'],
    ['RateLimit-Policy', '"burst";q=100;w=60,"daily";q=1000;w=86400;qu="requests"'],
    ['ratelimit-limit', '100, 100;w=60, 1000;w=3600'],
    ['X-Rate-Limit-Reset', '1795269000'],
    ['X-RateLimit-Reset', '2026-11-21T10:00:00Z'],
    ['x-ratelimit-requests-remaining', '99'],
    ['anthropic-ratelimit-input-tokens-reset', '2026-11-21T10:00:00Z'],
    ['X-HubSpot-RateLimit-Daily-Remaining', '249990'],
    ['X-RateLimit-Reset-After', '64.57'],
    ['Retry-After', 'Sat, 21 Nov 2026 10:00:00 GMT'],
    ['Retry-After', '120'],
    ['x-ms-ratelimit-remaining-subscription-reads', '11999'],
    ['X-RateLimit-Scope', 'shared'],
  ])('%s: %s is told as it is, from text, bytes and objects', (name, value) => {
    const expected = [[name.toLowerCase(), [value]]]
    const fields = ['Date', 'x', 'X-Powered-By', 'Express', name, value, 'Connection', 'close']
    expect(quotaFields(fields, redact)).toEqual(expected)
    expect(quotaFields(bytes(fields), redact)).toEqual(expected)
    expect(quotaFields({ date: 'x', [name.toLowerCase()]: value }, redact)).toEqual(expected)
    expect(quotaFields({ [name.toLowerCase()]: [value, value] }, redact)).toEqual([
      [name.toLowerCase(), [value, value]],
    ])
  })

  test.each([
    'X-Request-Id',
    'Access-Control-Allow-Origin',
    'Referrer-Policy',
    'Retry-After-All',
    'x-separatelimits-a',
    'ratelimiter',
  ])('%s is another field', (name) => {
    expect(quotaFields([name, '1'], redact)).toBeUndefined()
    expect(quotaFields(bytes([name, '1']), redact)).toBeUndefined()
  })

  test('no answer, no fields; many and long ones are bounded', () => {
    for (const none of [undefined, null, [], {}, 'x', ['ratelimit']]) expect(quotaFields(none, redact)).toBeUndefined()
    const many = Array.from({ length: 100 }, (_, i) => [`x-ratelimit-${i}`, '1']).flat()
    expect(quotaFields(many, redact)).toHaveLength(QUOTA_FIELDS)
    const same = Array.from({ length: 100 }, () => ['ratelimit', '"a";r=1']).flat()
    expect(quotaFields(same, redact)?.[0]?.[1]).toHaveLength(QUOTA_FIELDS)
    expect(quotaFields(['ratelimit', `"${'a'.repeat(QUOTA_VALUE)}";r=1`], redact)).toBeUndefined()
  })

  test('whatever else is in an answer never throws and never comes along', () => {
    const part = fc.oneof(fc.string(), fc.constantFrom('ratelimit', 'x-ratelimit-user', 'retry-after', 'x-'))
    fc.assert(
      fc.property(fc.array(part), fc.boolean(), (fields, asBytes) => {
        const found = quotaFields(asBytes ? bytes(fields) : fields, redact)
        for (const [name] of found ?? []) expect(name).toMatch(/rate-?limit|retry-after/)
      }),
    )
  })
})
