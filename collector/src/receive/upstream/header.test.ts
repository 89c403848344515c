import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { limits } from '../../limits.ts'
import { isQuotaField, readQuotas } from './header.ts'
import type { Told } from './told.ts'

const NOW = Date.parse('2026-11-21T09:59:30Z')
const EPOCH = Date.parse('2026-11-21T10:00:00Z')

const nothing: Told = {
  policy: '',
  unit: '',
  allowed: undefined,
  remaining: undefined,
  resetAtMs: undefined,
  windowS: undefined,
  dialect: 'x-ratelimit',
}

/** Answers as the documentation of each vendor shows them, and what is read. */
const vendors: [vendor: string, fields: Record<string, string>, told: Partial<Told>[]][] = [
  [
    // https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/ (10, section 4 and 5)
    'IETF draft, from 08 on',
    { 'ratelimit-policy': '"burst";q=100;w=60,"daily";q=1000;w=86400;qu="requests"', ratelimit: '"burst";r=50;t=30' },
    [
      { policy: 'burst', allowed: 100, remaining: 50, resetAtMs: EPOCH, windowS: 60, dialect: 'ratelimit' },
      { policy: 'daily', unit: 'requests', allowed: 1000, windowS: 86_400, dialect: 'ratelimit' },
    ],
  ],
  [
    'the same with a partition, tokens for names, and a quota of nothing',
    { 'ratelimit-policy': 'peruser;q=0;w=60;pk=:cHJpdmF0ZQ==:', ratelimit: 'peruser;r=0;t=30;pk=:cHJpdmF0ZQ==:' },
    [{ policy: 'peruser', allowed: 0, remaining: 0, resetAtMs: EPOCH, windowS: 60, dialect: 'ratelimit' }],
  ],
  [
    // https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/07/; express-rate-limit: standardHeaders 'draft-7'
    'IETF draft 07',
    { 'ratelimit-policy': '100;w=60', ratelimit: 'limit=100, remaining=50, reset=30' },
    [{ allowed: 100, remaining: 50, resetAtMs: EPOCH, windowS: 60, dialect: 'ratelimit-07' }],
  ],
  [
    // https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-03 (section 4)
    'IETF draft 03',
    {
      'ratelimit-limit': '100, 100;w=60;comment="sliding window", 1000;w=3600',
      'ratelimit-remaining': '50',
      'ratelimit-reset': '30',
    },
    [{ allowed: 100, remaining: 50, resetAtMs: EPOCH, windowS: 60, dialect: 'ratelimit-03' }],
  ],
  [
    // express-rate-limit: standardHeaders 'draft-6', with its older names beside
    'express-rate-limit',
    {
      'ratelimit-policy': '100;w=60',
      'ratelimit-limit': '100',
      'ratelimit-remaining': '99',
      'ratelimit-reset': '30',
      'x-ratelimit-limit': '100',
      'x-ratelimit-remaining': '99',
      'x-ratelimit-reset': String(EPOCH / 1000),
    },
    [{ allowed: 100, remaining: 99, resetAtMs: EPOCH, windowS: 60, dialect: 'ratelimit-03' }],
  ],
  [
    // https://docs.docker.com/docker-hub/usage/pulls/#view-pull-rate-and-limit
    'Docker Hub',
    { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '76;w=21600' },
    [{ allowed: 100, remaining: 76, windowS: 21_600, dialect: 'ratelimit-03' }],
  ],
  [
    // https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
    'GitHub',
    {
      'x-ratelimit-limit': '5000',
      'x-ratelimit-remaining': '4987',
      'x-ratelimit-used': '13',
      'x-ratelimit-reset': String(EPOCH / 1000),
      'x-ratelimit-resource': 'core',
    },
    [{ policy: 'core', allowed: 5000, remaining: 4987, resetAtMs: EPOCH }],
  ],
  [
    // https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/#response-headers
    'GitLab',
    {
      'ratelimit-limit': '60',
      'ratelimit-name': 'throttle_authenticated_web',
      'ratelimit-observed': '67',
      'ratelimit-remaining': '0',
      'ratelimit-reset': String(EPOCH / 1000),
      'ratelimit-resettime': 'Sat, 21 Nov 2026 10:00:00 GMT',
    },
    [{ policy: 'throttle_authenticated_web', allowed: 60, remaining: 0, resetAtMs: EPOCH, dialect: 'ratelimit-03' }],
  ],
  [
    // https://docs.x.com/x-api/fundamentals/rate-limits
    'X, once Twitter',
    { 'x-rate-limit-limit': '900', 'x-rate-limit-remaining': '899', 'x-rate-limit-reset': String(EPOCH / 1000) },
    [{ allowed: 900, remaining: 899, resetAtMs: EPOCH }],
  ],
  [
    // https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers
    'OpenAI',
    {
      'x-ratelimit-limit-requests': '60',
      'x-ratelimit-limit-tokens': '150000',
      'x-ratelimit-remaining-requests': '59',
      'x-ratelimit-remaining-tokens': '149984',
      'x-ratelimit-reset-requests': '30s',
      'x-ratelimit-reset-tokens': '6m0s',
    },
    [
      { policy: 'requests', unit: 'requests', allowed: 60, remaining: 59, resetAtMs: EPOCH },
      { policy: 'tokens', unit: 'tokens', allowed: 150_000, remaining: 149_984, resetAtMs: NOW + 360_000 },
    ],
  ],
  [
    // https://docs.anthropic.com/en/api/rate-limits#response-headers
    'Anthropic',
    {
      'anthropic-ratelimit-requests-limit': '50',
      'anthropic-ratelimit-requests-remaining': '49',
      'anthropic-ratelimit-requests-reset': '2026-11-21T10:00:00Z',
      'anthropic-ratelimit-input-tokens-limit': '40000',
      'anthropic-ratelimit-input-tokens-remaining': '39000',
      'anthropic-ratelimit-input-tokens-reset': '2026-11-21T10:00:00Z',
    },
    [
      { policy: 'requests', unit: 'requests', allowed: 50, remaining: 49, resetAtMs: EPOCH },
      { policy: 'input-tokens', unit: 'tokens', allowed: 40_000, remaining: 39_000, resetAtMs: EPOCH },
    ],
  ],
  [
    // https://discord.com/developers/docs/topics/rate-limits#header-format
    'Discord',
    {
      'x-ratelimit-limit': '5',
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': '1795255180.123',
      'x-ratelimit-reset-after': '30.5',
      'x-ratelimit-bucket': 'abcd1234',
    },
    [{ policy: 'abcd1234', allowed: 5, remaining: 0, resetAtMs: NOW + 30_500 }],
  ],
  [
    // https://shopify.dev/docs/api/usage/limits (REST Admin API)
    'Shopify',
    { 'x-shopify-shop-api-call-limit': '32/40' },
    [{ allowed: 40, remaining: 8, dialect: 'usage' }],
  ],
  [
    // https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/headers_api_usage.htm
    'Salesforce',
    { 'sforce-limit-info': 'api-usage=10018/100000, per-app-api-usage=17/250(appName=sample-app)' },
    [
      { policy: 'api-usage', allowed: 100_000, remaining: 89_982, dialect: 'usage' },
      { policy: 'per-app-api-usage', allowed: 250, remaining: 233, dialect: 'usage' },
    ],
  ],
  [
    // https://developers.hubspot.com/docs/guides/apps/api-usage/usage-details
    'HubSpot',
    {
      'x-hubspot-ratelimit-daily': '250000',
      'x-hubspot-ratelimit-daily-remaining': '249990',
      'x-hubspot-ratelimit-interval-milliseconds': '10000',
      'x-hubspot-ratelimit-max': '100',
      'x-hubspot-ratelimit-remaining': '99',
    },
    [
      { policy: 'daily', allowed: 250_000, remaining: 249_990, windowS: 86_400 },
      { allowed: 100, remaining: 99, windowS: 10 },
    ],
  ],
  [
    // https://api-dashboard.search.brave.com/app/documentation/web-search/response-headers
    'Brave Search',
    {
      'x-ratelimit-limit': '1, 15000',
      'x-ratelimit-policy': '1;w=1, 15000;w=2592000',
      'x-ratelimit-remaining': '1, 14523',
      'x-ratelimit-reset': '1, 30',
    },
    [
      { policy: '1s', allowed: 1, remaining: 1, windowS: 1, resetAtMs: NOW + 1000 },
      { policy: '2592000s', allowed: 15_000, remaining: 14_523, windowS: 2_592_000, resetAtMs: EPOCH },
    ],
  ],
  [
    // https://developer.konghq.com/plugins/rate-limiting/#headers-sent-to-the-client
    'Kong',
    {
      'x-ratelimit-limit-minute': '10',
      'x-ratelimit-remaining-minute': '9',
      'x-ratelimit-limit-hour': '100',
      'x-ratelimit-remaining-hour': '42',
    },
    [
      { policy: 'minute', allowed: 10, remaining: 9, windowS: 60 },
      { policy: 'hour', allowed: 100, remaining: 42, windowS: 3600 },
    ],
  ],
  [
    // https://docs.rapidapi.com/docs/response-headers
    'RapidAPI',
    {
      'x-ratelimit-requests-limit': '1000',
      'x-ratelimit-requests-remaining': '12',
      'x-ratelimit-requests-reset': '30',
    },
    [{ policy: 'requests', unit: 'requests', allowed: 1000, remaining: 12, resetAtMs: EPOCH }],
  ],
  [
    // https://linear.app/developers/rate-limiting (epoch milliseconds)
    'Linear',
    {
      'x-ratelimit-requests-limit': '1500',
      'x-ratelimit-requests-remaining': '1499',
      'x-ratelimit-requests-reset': String(EPOCH),
      'x-ratelimit-complexity-limit': '250000',
      'x-ratelimit-complexity-remaining': '249000',
      'x-ratelimit-complexity-reset': String(EPOCH),
    },
    [
      { policy: 'requests', unit: 'requests', allowed: 1500, remaining: 1499, resetAtMs: EPOCH },
      { policy: 'complexity', unit: 'complexity', allowed: 250_000, remaining: 249_000, resetAtMs: EPOCH },
    ],
  ],
  [
    // https://support.reddithelp.com/hc/en-us/articles/16160319875092-Reddit-Data-API-Wiki
    'Reddit',
    { 'x-ratelimit-used': '2', 'x-ratelimit-remaining': '98.0', 'x-ratelimit-reset': '30' },
    [{ allowed: 100, remaining: 98, resetAtMs: EPOCH }],
  ],
  [
    // https://developer.vimeo.com/guidelines/rate-limiting
    'Vimeo',
    { 'x-ratelimit-limit': '600', 'x-ratelimit-remaining': '599', 'x-ratelimit-reset': '2026-11-21T10:00:00+00:00' },
    [{ allowed: 600, remaining: 599, resetAtMs: EPOCH }],
  ],
  [
    // https://learn.microsoft.com/en-us/azure/azure-resource-manager/management/request-limits-and-throttling
    'Azure Resource Manager',
    { 'x-ms-ratelimit-remaining-subscription-reads': '11999' },
    [{ policy: 'subscription-reads', remaining: 11_999 }],
  ],
  [
    // https://developer.zendesk.com/api-reference/introduction/rate-limits/
    'Zendesk',
    { 'x-rate-limit': '700', 'x-rate-limit-remaining': '699' },
    [{ allowed: 700, remaining: 699 }],
  ],
  [
    // https://www.contentful.com/developers/docs/references/content-management-api/#/introduction/api-rate-limits
    'Contentful',
    {
      'x-contentful-ratelimit-hour-limit': '36000',
      'x-contentful-ratelimit-hour-remaining': '35883',
      'x-contentful-ratelimit-reset': '0',
      'x-contentful-ratelimit-second-limit': '10',
      'x-contentful-ratelimit-second-remaining': '9',
    },
    [
      { policy: 'hour', allowed: 36_000, remaining: 35_883, windowS: 3600 },
      { policy: 'second', allowed: 10, remaining: 9, windowS: 1 },
    ],
  ],
  // https://developer-docs.amazon.com/sp-api/docs/usage-plans-and-rate-limits: calls per second, no quota
  ['Amazon Selling Partner', { 'x-amzn-ratelimit-limit': '0.0167' }, []],
  // https://docs.stripe.com/rate-limits: a word on a 429, no number
  ['Stripe', { 'stripe-rate-limited-reason': 'global-rate' }, []],
]

describe('quotas in answers', () => {
  it.each(vendors)('%s', (_, fields, told) => {
    for (const name of Object.keys(fields)) if (told.length > 0) expect(isQuotaField(name), name).toBe(true)
    const { quotas, retryAtMs, refused } = readQuotas(new Map(Object.entries(fields)), 200, NOW)
    expect(quotas).toEqual(told.map((one) => ({ ...nothing, ...one })))
    expect([retryAtMs, refused]).toEqual([undefined, false])
  })

  it.each([
    [429, {}, true, undefined],
    [429, { 'retry-after': '30' }, true, EPOCH],
    [429, { 'retry-after': 'Sat, 21 Nov 2026 10:00:00 GMT' }, true, EPOCH],
    // https://learn.microsoft.com/en-us/azure/ai-services/openai/: milliseconds, exact
    [429, { 'retry-after': '31', 'retry-after-ms': '30000' }, true, EPOCH],
    [503, { 'retry-after': '30' }, true, EPOCH],
    [503, {}, false, undefined],
    // GitHub's primary limit
    [403, { 'x-ratelimit-remaining': '0' }, true, undefined],
    [403, { 'x-ratelimit-remaining': '7' }, false, undefined],
    // Of a redirect or a long task it is no refusal.
    [202, { 'retry-after': '30' }, false, undefined],
    [200, { 'x-ratelimit-remaining': '0' }, false, undefined],
    [429, { 'retry-after': 'later' }, true, undefined],
  ])('%i with %j: refused %s', (status, fields, refused, retryAtMs) => {
    const read = readQuotas(new Map(Object.entries(fields)), status, NOW)
    expect([read.refused, read.retryAtMs]).toEqual([refused, retryAtMs])
  })

  it.each([
    { ratelimit: '"burst;r=50' },
    { ratelimit: 'much' },
    { 'ratelimit-policy': '100;w=60' },
    { 'x-ratelimit-limit': 'unlimited' },
    { 'x-ratelimit-limit': '-1', 'x-ratelimit-remaining': '-1' },
    { 'x-ratelimit-limit': '99999999999999999999' },
    { 'x-ratelimit-reset': '30' },
    { 'x-ratelimit-limit': '' },
    { 'x-shopify-shop-api-call-limit': '1/2/3' },
  ])('%j tells nothing', (fields) => {
    const { quotas } = readQuotas(new Map(Object.entries(fields)), 200, NOW)
    expect(quotas.filter(({ allowed, remaining }) => (allowed ?? remaining) !== undefined)).toEqual([])
  })

  it('passes over what is too long, too far away, or too much', () => {
    const list = (number: number) => Array.from({ length: number }, (_, i) => `"${i}";r=1`).join()
    const read = (fields: Record<string, string>) => readQuotas(new Map(Object.entries(fields)), 200, NOW).quotas
    expect(read({ ratelimit: list(50) })).toHaveLength(limits.upstreamPolicies)
    expect(read({ ratelimit: list(500) })).toEqual([])
    const far = { 'x-ratelimit-remaining': '1', 'x-ratelimit-reset': '900000000' }
    expect(read(far)).toEqual([{ ...nothing, remaining: 1 }])
    expect(read({ ratelimit: `"${'é'.repeat(9)}";r=1` })).toEqual([])
    expect(read({ ratelimit: `"${'a'.repeat(99)}";r=1` })[0]!.policy).toHaveLength(limits.upstreamPolicyChars)
  })

  it('never throws, and gives numbers that can be stored, whatever a server sends', () => {
    const name = fc.oneof(
      fc.constantFrom(
        'ratelimit',
        'ratelimit-policy',
        'retry-after',
        'sforce-limit-info',
        ...vendors.flatMap(([, f]) => Object.keys(f)),
      ),
      fc
        .array(
          fc.constantFrom('x', 'ratelimit', 'rate', 'limit', 'remaining', 'reset', 'after', 'daily', 'constructor', ''),
        )
        .map((words) => words.join('-')),
    )
    const value = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.double().map(String),
      fc.bigInt().map(String),
      fc.date().map((date) => (Number.isNaN(date.getTime()) ? 'x' : date.toUTCString())),
      fc.array(fc.constantFrom(...'0123456789;,=":./ wqrtmsh-'), { maxLength: 60 }).map((all) => all.join('')),
      fc.constantFrom(...vendors.flatMap(([, f]) => Object.values(f))),
    )
    const fields = fc.array(fc.tuple(name, value), { maxLength: 12 }).map((all) => new Map(all))
    fc.assert(
      fc.property(fields, fc.constantFrom(200, 403, 429, 503), (fields, status) => {
        const { quotas, retryAtMs } = readQuotas(fields, status, NOW)
        expect(quotas.length).toBeLessThanOrEqual(limits.upstreamPolicies)
        for (const { policy, unit, allowed, remaining, resetAtMs, windowS } of quotas) {
          for (const number of [allowed, remaining, resetAtMs, windowS, retryAtMs]) {
            if (number !== undefined) expect(Number.isSafeInteger(number) && number >= 0, String(number)).toBe(true)
          }
          expect(policy.length).toBeLessThanOrEqual(limits.upstreamPolicyChars)
          expect(policy + unit).toMatch(/^[\x20-\x7e]*$/)
        }
      }),
      { numRuns: 3000, seed: 429 },
    )
  })
})
