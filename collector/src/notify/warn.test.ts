import { expect, it } from 'vitest'
import { parseConfig } from '../config/read.ts'
import { privateWarnings } from './warn.ts'

function warnings(text: string): string[] {
  const { config, faults } = parseConfig(text, 'test', {})
  expect(faults).toEqual([])
  return privateWarnings(config!)
}

const receivers = `channels:
  here: { webhook: "http://localhost:9/secret-path" }
  near: { slack: "http://10.0.0.1/secret-path" }
  own: { teams: "http://10.0.0.1/x", allow_private: true }
  far: { discord: "https://hooks.example.com/x" }
  mail: { email: { to: a@example.com, from: b@example.com, smtp: "smtp://u:secret-word@[fd12::1]" } }
alerts: [{ name: slow, when: p95 > 1s, notify: [near, "http://169.254.169.254/secret-path", "https://x.example"] }]
`
const unless = 'where notices do not go unless allowed; add'

it('a file whose receivers are private is warned of, as far as its text tells', () => {
  const found = warnings(`${receivers}listen: { otlp: "0.0.0.0:4318" }`)
  expect(found).toEqual([
    `channels.here: the receiver is at a loopback address (127.0.0.1), ${unless} allow_private: true to its channel, or notices: { allow_private: [127.0.0.1/32] }`,
    `channels.near: the receiver is at a private address (10.0.0.1), ${unless} allow_private: true to its channel, or notices: { allow_private: [10.0.0.1/32] }`,
    `channels.mail: the receiver is at a private address (fd12::1), ${unless} allow_private: true to its channel, or notices: { allow_private: [fd12::1/128] }`,
    `the alert "slow": the receiver is at a cloud metadata address (169.254.169.254), ${unless} notices: { allow_private: [169.254.169.254/32] }`,
  ])
  expect(found.join()).not.toContain('secret')
})

it('what is allowed is fine, and on one machine so is loopback', () => {
  expect(warnings(receivers).map((warning) => warning.split(':')[0])).toEqual([
    'channels.near',
    'channels.mail',
    'the alert "slow"',
  ])
  expect(warnings(`${receivers}notices: { allow_private: [10.0.0.0/8, fd00::/8, 169.254.169.254] }`)).toEqual([])
})
