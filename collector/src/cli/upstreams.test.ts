import { expect, it } from 'vitest'
import { tableOf } from './upstreams.ts'

const now = Date.parse('2026-11-21T10:00:00Z')
const at = (seconds: number) => new Date(now + seconds * 1000).toISOString()
const one = {
  env: '',
  service: 'checkout',
  peer: 'api.github.com',
  peer_port: 443,
  policy: 'core',
  unit: '',
  state: 'near',
  allowed: 5000,
  used: 4312,
  remaining: 688,
  used_ratio: 0.8624,
  resets_at: at(1080),
  retry_at: null,
  refused_calls: 0,
  forecast: {
    end: { low: 5900, middle: 6000, high: 6100 },
    exhausted_at: { low: at(540), middle: at(630), high: at(720) },
  },
}

it('shows each quota in a line, and what is not known as a dash', () => {
  const others = [
    { ...one, env: 'prod', forecast: { ...one.forecast, exhausted_at: null } },
    { ...one, policy: 'tokens', unit: 'tokens', allowed: null, used: null, used_ratio: null, forecast: null },
    {
      ...one,
      peer_port: 8443,
      policy: '',
      remaining: null,
      used: null,
      retry_at: at(4),
      refused_calls: 3,
      forecast: null,
    },
    {
      ...one,
      resets_at: at(-5),
      forecast: { ...one.forecast, exhausted_at: { low: at(0), middle: at(0), high: at(0) } },
    },
  ]
  expect(tableOf([one, ...others], now).split('\n')).toEqual([
    'SERVICE          SERVER               QUOTA   STATE  USED      OF    SHARE  RESETS IN  REFUSED 1H  FORECAST',
    'checkout         api.github.com       core    near   4312      5000  86 %   18m        0           used up in 9m to 12m',
    'checkout (prod)  api.github.com       core    near   4312      5000  86 %   18m        0           6000 of 5000 at the end',
    'checkout         api.github.com       tokens  near   688 left  -     -      18m        0           -',
    'checkout         api.github.com:8443  -       near   -         5000  86 %   4s         3           -',
    'checkout         api.github.com       core    near   4312      5000  86 %   -          0           used up',
  ])
})
