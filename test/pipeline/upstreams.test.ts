import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { agentRegister, api, callsightProgram, inStore, Program, settled, startCollector } from '../program.ts'
import { until } from '../until.ts'
import { dialects, type Limiter, policies, startLimiter } from './limiter.ts'

interface Upstream {
  service: string
  peer: string
  peer_port: number
  policy: string
  state: string
  allowed: number | null
  used: number | null
  remaining: number | null
  window_s: number | null
  resets_at: string | null
  retry_at: string | null
  told_calls: number
  refused_calls: number
  forecast: { end: { middle: number }; exhausted_at: unknown } | null
}

const caller = fileURLToPath(new URL('app/caller.mjs', import.meta.url))
const STOCK = ['ratelimit', 'ratelimit-policy', 'x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset']

/** As many calls as leave something, take all, or are too many, by turns. */
const timesOf = (place: number) => [7, 20, 23][place % 3]!

async function startLimiters(names: readonly string[]): Promise<Limiter[]> {
  const endsMs = Math.ceil(Date.now() / 1000) * 1000 + 1800_000
  return Promise.all(names.map((name) => startLimiter(name, endsMs)))
}

async function call(limiters: readonly Limiter[], otlp: string, client: string, stock = ''): Promise<void> {
  const program = new Program([...(stock === '' ? ['--require', agentRegister] : []), caller], {
    name: `caller with ${client}`,
    env: {
      CALLS: JSON.stringify(limiters.map(({ url }, place) => [url, timesOf(place)])),
      CLIENT: client,
      STOCK: stock,
      OTEL_SERVICE_NAME: client,
      OTEL_EXPORTER_OTLP_ENDPOINT: otlp,
      CALLSIGHT_CAPTURE_BODIES: 'none',
    },
  })
  expect(await program.ended, program.stderr).toEqual({ code: 0, signal: null })
}

/** What the collector must say of a server after that many calls. */
function expected({ dialect, account, port }: Limiter, service: string) {
  const { allowed, used, refused } = account
  const about = { service, peer: '127.0.0.1', peer_port: port, policy: policies[dialect] ?? '', refused_calls: refused }
  // Slack speaks of a quota only when it is used up, and then not of how much it is.
  if (dialect === 'Slack') return { ...about, state: 'exhausted', allowed: null, used: null, told_calls: refused }
  const state = used < 16 ? 'ok' : used < 20 ? 'near' : 'exhausted'
  return { ...about, state, allowed, used, remaining: allowed - used, told_calls: used + refused }
}

it.each(['http', 'fetch'])('what %s is told in every dialect is what the servers have counted', async (client) => {
  const collector = await startCollector()
  const limiters = await startLimiters(Object.keys(dialects))
  await call(limiters, collector.otlp, client)
  await settled(collector)
  // Those that say it in another way than by status 429 and a number are among them.
  const refusing = limiters.filter(({ account }) => account.refused > 0).map(({ dialect }) => dialect)
  expect(refusing).toEqual(['GitHub', 'Discord', 'Slack'])
  const { upstreams } = await until('upstreams', async () => {
    const answer = await api<{ upstreams: Upstream[] }>(collector, '/api/v1/upstreams')
    return answer.upstreams.length >= limiters.length ? answer : undefined
  })
  for (const limiter of limiters) {
    const wanted = expected(limiter, client)
    const found = upstreams.find((one) => one.peer_port === limiter.port && one.policy === wanted.policy)
    expect(found, limiter.dialect).toMatchObject(wanted)
    const ends = limiter.dialect === 'Slack' ? found!.retry_at : found!.resets_at
    if (limiter.dialect === 'Shopify') expect(ends).toBe(null)
    else expect(Math.abs(Date.parse(ends!) - limiter.account.endsMs), limiter.dialect).toBeLessThan(1100)
  }
  const daily = upstreams.find(({ policy }) => policy === 'daily')
  expect(daily).toMatchObject({ allowed: 1000, remaining: null, used: null, state: 'unknown', window_s: 86_400 })

  const cli = new Program([callsightProgram, 'upstreams', '--url', collector.web], { name: 'callsight upstreams' })
  expect(await cli.ended, cli.stderr).toEqual({ code: 0, signal: null })
  const lines = cli.stdout.split('\n')
  expect(lines[0]).toMatch(/^SERVICE +SERVER +QUOTA +STATE +USED +OF +SHARE +RESETS IN +REFUSED 1H +FORECAST$/)
  const core = limiters.find(({ dialect }) => dialect === 'GitHub')!
  const { used } = core.account
  expect(lines.find((line) => line.includes(`127.0.0.1:${core.port}`))).toMatch(
    new RegExp(`^${client} .* core +\\S+ +${used} +20 +${used * 5} % +(29|30)m +${core.account.refused} `),
  )

  for (const limiter of limiters) limiter.close()
  await collector.stop()
  await inStore(collector.data, async (store) => {
    // A batch of a second of calls is few rows, and no payload.
    const [rows] = await store.query(
      "SELECT count() AS n, sum(calls) AS told FROM upstream_limits WHERE policy != 'daily'",
    )
    const told = limiters.reduce((sum, limiter) => sum + Number(expected(limiter, client).told_calls), 0)
    expect(Number(rows!.told)).toBe(told)
    expect(Number(rows!.n)).toBeLessThan(told / 2)
    expect(await store.query('SELECT count() AS n FROM payloads')).toEqual([{ n: 0 }])
  })
})

it('a stock OpenTelemetry SDK that tells of response headers is enough', async () => {
  const collector = await startCollector()
  const limiters = await startLimiters(['lists', 'draft 07', 'GitHub', 'Vimeo'])
  await call(limiters, collector.otlp, 'http', STOCK.join())
  await settled(collector)
  const { upstreams } = await until('upstreams', async () => {
    const answer = await api<{ upstreams: Upstream[] }>(collector, '/api/v1/upstreams')
    return answer.upstreams.length >= limiters.length ? answer : undefined
  })
  for (const limiter of limiters) {
    const { policy, ...wanted } = expected(limiter, 'http')
    const found = upstreams.find((one) => one.peer_port === limiter.port && one.policy !== 'daily')
    expect(found, limiter.dialect).toMatchObject(wanted)
    // What the SDK was not told to keep is not known: the name of GitHub's quota.
    expect(found!.policy).toBe(limiter.dialect === 'GitHub' ? '' : policy)
    expect(found!.forecast === null || found!.forecast.exhausted_at !== undefined).toBe(true)
  }
  for (const limiter of limiters) limiter.close()
  await collector.stop()
})
