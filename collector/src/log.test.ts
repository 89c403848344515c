import { describe, expect, it } from 'vitest'
import { openLog, withoutSecrets } from './log.ts'

function logged(write: (log: ReturnType<typeof openLog>) => void): Record<string, unknown>[] {
  const lines: string[] = []
  write(openLog('info', { write: (line) => void lines.push(line) }))
  return lines.map((line) => JSON.parse(line))
}

describe('an error in the log', () => {
  it.each(['error', 'err'])('shows type, message and stack under the key %s, and what it carries', (key) => {
    const error = Object.assign(new TypeError('what broke'), { code: 'E_WHY' })
    const [line] = logged((log) => log.error({ [key]: error }, 'a request failed'))
    expect(line).toMatchObject({ level: 50, msg: 'a request failed' })
    expect(line![key]).toMatchObject({ type: 'TypeError', message: 'what broke', code: 'E_WHY' })
    expect(line![key]).toHaveProperty('stack', expect.stringMatching(/^TypeError: what broke\n +at /))
  })

  it('shows its cause, and a text stays a text', () => {
    const [caused, text] = logged((log) => {
      log.error({ error: new Error('outer', { cause: new Error('inner') }) })
      log.error({ error: 'just words' })
    })
    expect(caused!.error).toMatchObject({ message: 'outer: inner' })
    expect(text!.error).toBe('just words')
  })
})

describe('a secret', () => {
  const secret = 'hunter2-Ab9/x'

  it.each<[string, Record<string, unknown>, string]>([
    ['a field', { password: secret }, ''],
    ['a header at any depth', { request: { headers: { authorization: `Digest ${secret}`, 'x-api-key': secret } } }, ''],
    ['a list', { headers: { 'set-cookie': [secret, secret] } }, ''],
    ['quotes in the value', { token: `"${secret}\\"` }, ''],
    ['a URL in a message', {}, `cannot reach https://me:${encodeURIComponent(secret)}@clickhouse:8443/callsight`],
    ['a URL with a user alone', { url: `https://${encodeURIComponent(secret)}@clickhouse` }, ''],
    ['a URL in an error', { error: new Error(`connect https://me:${encodeURIComponent(secret)}@host failed`) }, ''],
    ['a bearer token in a message', {}, `got "Bearer ${secret}"`],
    ['basic credentials', {}, `sent Basic ${Buffer.from(`me:${secret}`).toString('base64')}`],
    ['our tokens', { name: 'cs_ingest_hunter2-Ab9_x' }, ''],
    ['a key of a webhook', {}, 'signed with whsec_hunter2Ab9/x+='],
  ])('is left out: %s', (_what, fields, message) => {
    const text = JSON.stringify(logged((log) => log.warn(fields, message)))
    expect(text).toContain('[redacted]')
    expect(text).not.toMatch(/hunter2|Ab9|aHVudGVy|bWU6/)
  })

  it('is not seen in what only looks like one', () => {
    const harmless =
      'tokens: 3, basic settings, http://127.0.0.1:4318/v1/traces, mail me@example.com, {"tokens":3}, write https://user:password@host:8443/callsight'
    expect(withoutSecrets(harmless)).toBe(harmless)
  })
})
