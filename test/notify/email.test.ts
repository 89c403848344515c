import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { afterEach, describe, expect, it } from 'vitest'
import { delivererOf } from '../../collector/src/notify/channels/deliverer.ts'
import { channelOf, deliver, delivererTo, hostileNotice, noticeOf, resolvedNotice } from './receiver.ts'

interface Mail {
  readonly from: string
  readonly to: string[]
  readonly user: string | undefined
  readonly secure: boolean
  readonly raw: string
}

/** Words that a server answers with a code of its own. */
function smtpError(responseCode: number, words: string): Error {
  return Object.assign(new Error(words), { responseCode })
}

let server: SMTPServer | undefined
let mails: Mail[] = []
afterEach(async () => {
  mails = []
  await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())))
  server = undefined
})

/** A mail server on this machine; without a certificate it has no STARTTLS. */
async function listen(options: SMTPServerOptions = {}): Promise<number> {
  const plain = options.key === undefined ? { disabledCommands: ['STARTTLS'] } : {}
  server = new SMTPServer({
    authOptional: true,
    logger: false,
    ...plain,
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        const from = mailFrom === false ? '' : mailFrom.address
        const to = rcptTo.map(({ address }) => address)
        mails.push({
          from,
          to,
          user: session.user as string | undefined,
          secure: session.secure,
          raw: Buffer.concat(chunks).toString(),
        })
        done()
      })
    },
    ...options,
  })
  server.on('error', () => {})
  const { promise, resolve } = withResolvers()
  server.listen(0, '127.0.0.1', resolve)
  await promise
  return (server.server.address() as AddressInfo).port
}

function withResolvers() {
  let resolve: () => void = () => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

const written = (smtp: string, more: object = {}) => ({
  email: {
    to: ['ops@example.com', 'Boss <boss@example.com>'],
    from: 'Callsight <callsight@example.com>',
    smtp,
    ...more,
  },
})

/** Headers by name, unfolded, and the parts by type, decoded. */
function parse({ raw }: Mail) {
  const headers = (text: string) =>
    Object.fromEntries(
      text
        .replace(/\r\n[ \t]+/g, ' ')
        .split('\r\n')
        .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    )
  const cut = (text: string) => {
    const at = text.indexOf('\r\n\r\n')
    return { head: headers(text.slice(0, at)), body: text.slice(at + 4) }
  }
  const { head, body } = cut(raw)
  const boundary = /boundary="?([^";]+)"?/.exec(head['content-type']!)![1]
  const parts = body
    .split(`--${boundary}`)
    .slice(1, -1)
    .map((part) => cut(part.replace(/^\r\n/, '')))
    .map(({ head, body }) => [head['content-type']!.split(';')[0]!, decoded(body, head['content-transfer-encoding'])])
  return { head, parts: Object.fromEntries(parts) as Record<string, string> }
}

function decoded(text: string, encoding = '7bit'): string {
  if (encoding === 'base64') return Buffer.from(text, 'base64').toString()
  if (encoding !== 'quoted-printable') return text.replace(/\r\n/g, '\n')
  const bytes = text
    .replace(/=\r\n/g, '')
    .replace(/\r\n/g, '\n')
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString('utf8')
}

describe('an e-mail', () => {
  it('is read back: text and HTML, one thread for a group, and no answers asked for', async () => {
    const port = await listen()
    const to = written(`smtp://127.0.0.1:${port}`)
    expect(await deliver(to, noticeOf())).toEqual({
      kind: 'delivered',
      status: 250,
      error: '',
      retryAfterMs: undefined,
    })
    await deliver(to, resolvedNotice())
    await deliver(to, noticeOf({ id: 'ntc_9', groupKey: 'another' }))
    expect(mails.map(({ from, to }) => [from, to])).toEqual(
      Array(3).fill(['callsight@example.com', ['ops@example.com', 'boss@example.com']]),
    )
    const [first, second, other] = mails.map(parse)
    expect(first!.head).toMatchObject({
      from: 'Callsight <callsight@example.com>',
      to: 'ops@example.com, Boss <boss@example.com>',
      subject: 'Firing: slow-checkout (checkout, POST /orders)',
      date: 'Sat, 21 Nov 2026 10:01:05 +0000',
      'auto-submitted': 'auto-generated',
      'list-id': expect.stringMatching(/^"?Callsight notices"? <callsight-[0-9a-f]{8}\.example\.com>$/),
      'message-id': expect.stringMatching(/^<notice-[0-9a-f]{32}@example\.com>$/),
      references: expect.stringMatching(/^<group-[0-9a-f]{32}@example\.com>$/),
    })
    expect(first!.head['content-type']).toMatch(/^multipart\/alternative/)
    expect(first!.head['in-reply-to']).toBe(first!.head.references)
    expect(second!.head.subject).toMatch(/^Resolved: /)
    expect(second!.head.references).toBe(first!.head.references)
    expect(second!.head['message-id']).not.toBe(first!.head['message-id'])
    expect(other!.head.references).not.toBe(first!.head.references)
    expect(first!.parts['text/plain']!.trim()).toBe(`Firing: slow-checkout (checkout, POST /orders)

slow-checkout: p95 is 412.3 ms, above 300 ms, in 312 calls of 5m
Since: 2026-11-21 10:00:05 UTC
For whom: acme: 40 of 120 calls, unknown callers: 1 of 9 calls, and 3 more consumers
Compared: p95 was 120 ms in the same 5 minutes a week before
Board: http://collector:4319/d/callsight-overview?var-service=checkout
Calls: http://collector:4319/calls`)
    expect(first!.parts['text/html']).toContain('acme: 40 of 120 calls')
  })

  it('shows what callers call themselves, and runs and fetches none of it', async () => {
    const port = await listen()
    await deliver(written(`smtp://127.0.0.1:${port}`), hostileNotice())
    const { head, parts } = parse(mails[0]!)
    const html = parts['text/html']!
    expect(html).toContain('&lt;script&gt;')
    expect(html).not.toMatch(/<script|<img|<link|src=|url\(/i)
    for (const [, target] of html.matchAll(/href="([^"]*)"/g)) expect(target).toMatch(/^http:\/\/collector:4319\//)
    expect(html).toContain('87 more alerts left out here; the board has all of them.')
    expect(Object.keys(head)).not.toContain('## h')
  })

  it.each([
    [451, 'try later', 'later', 'SMTP 451: try later'],
    [554, 'no spam here', 'refused', 'SMTP 554: no spam here'],
  ])('that is answered %i %s', async (code, words, kind, error) => {
    const port = await listen({
      onMailFrom: (_address, _session, done) => done(smtpError(code, words)),
    })
    expect(await deliver(written(`smtp://127.0.0.1:${port}`), noticeOf())).toEqual({
      kind,
      status: code,
      error,
      retryAfterMs: undefined,
    })
  })

  it('that some readers may have later is sent again to them alone', async () => {
    let full = true
    const port = await listen({
      onRcptTo: ({ address }, _session, done) =>
        done(full && address.startsWith('boss') ? smtpError(452, 'the mailbox is full') : undefined),
    })
    // One reader's address is within another's.
    const to = ['ops@example.com', 'Boss <boss@Example.com>', 'big-boss@example.com']
    const deliverer = delivererTo(written(`smtp://127.0.0.1:${port}`, { to }))
    const stop = new AbortController().signal
    const once = await deliverer.deliver(noticeOf(), stop)
    expect(once).toMatchObject({
      kind: 'later',
      status: 452,
      error: '1 of 3 readers were refused: SMTP 452: the mailbox is full',
    })
    full = false
    expect((await deliverer.deliver(noticeOf(), stop)).kind).toBe('delivered')
    expect(mails.map(({ to }) => to)).toEqual([['ops@example.com', 'big-boss@example.com'], ['boss@example.com']])
    const [first, second] = mails.map(parse)
    expect(second!.head['message-id']).toBe(first!.head['message-id'])
  })

  it('to nobody that is there is given up', async () => {
    const port = await listen({ onRcptTo: (_address, _session, done) => done(smtpError(550, 'no such user')) })
    expect(await deliver(written(`smtp://127.0.0.1:${port}`), noticeOf())).toMatchObject({
      kind: 'refused',
      status: 550,
      error: 'SMTP 550: no such user',
    })
  })

  it('waits for a server that is away', async () => {
    const port = await listen()
    await new Promise<void>((resolve) => server!.close(() => resolve()))
    server = undefined
    const { kind, error } = await deliver(written(`smtp://127.0.0.1:${port}`), noticeOf())
    expect([kind, error]).toEqual(['later', 'the connection failed: ECONNREFUSED'])
  })

  it('to a name is checked by where the name points', async () => {
    const port = await listen()
    const { error } = await deliver(written(`smtp://localhost:${port}`), noticeOf(), false)
    expect(error).toMatch(/^the receiver is at a loopback address/)
    expect(mails).toEqual([])
  })

  it('is cut off by a stop', async () => {
    const stop = new AbortController()
    const port = await listen({ onConnect: () => stop.abort() })
    expect((await delivererTo(written(`smtp://127.0.0.1:${port}`)).deliver(noticeOf(), stop.signal)).kind).toBe('cut')
  })
})

/** A certificate of today; without openssl these are skipped. */
function certificate(): { key: string; cert: string } | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'callsight-smtp-'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  try {
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...names, '-keyout', key, '-out', cert],
      { stdio: 'ignore' },
    )
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
  } catch {
    console.warn('no openssl on the PATH: the tests of mail over TLS are skipped')
    return undefined
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
const pair = certificate()

describe.skipIf(pair === undefined)('a mail server with a password', () => {
  const login: SMTPServerOptions = {
    authOptional: false,
    onAuth: ({ username, password }, _session, done) =>
      username === 'me' && password === 'p@ss-word'
        ? done(null, { user: 'me' })
        : done(smtpError(535, `wrong password ${password} for ${username}`)),
  }
  const smtp = (port: number, password = 'p%40ss-word', scheme = 'smtp', host = 'localhost') =>
    `${scheme}://me:${password}@${host}:${port}`

  it.each(['smtp', 'smtps'])('is given it over %s', async (scheme) => {
    const port = await listen({ ...login, ...pair, secure: scheme === 'smtps' })
    const outcome = await deliver(written(smtp(port, undefined, scheme), { ca: pair!.cert }), noticeOf())
    expect(outcome).toMatchObject({ kind: 'delivered', error: '' })
    expect(mails).toMatchObject([{ user: 'me', secure: true }])
  })

  it('is not trusted with a certificate of its own making', async () => {
    const port = await listen({ ...login, ...pair })
    const { kind, error } = await deliver(written(smtp(port)), noticeOf())
    expect([kind, error]).toEqual(['later', 'the connection failed: DEPTH_ZERO_SELF_SIGNED_CERT'])
    expect(mails).toEqual([])
  })

  it('is not given it in clear text, unless it is on this machine', async () => {
    const port = await listen({ ...login, allowInsecureAuth: true })
    const elsewhere = channelOf(written(smtp(port, undefined, 'smtp', '0.0.0.0')))
    const about = { externalUrl: () => '', allowPrivate: { loopback: true, ranges: ['0.0.0.0/32'] } }
    const { kind, error } = await delivererOf(elsewhere, about).deliver(noticeOf(), new AbortController().signal)
    expect([kind, error]).toEqual(['later', 'the mail server does not offer TLS, and a password does not go without'])
    expect(mails).toEqual([])
    expect(await deliver(written(smtp(port)), noticeOf())).toMatchObject({ kind: 'delivered' })
    expect(mails).toMatchObject([{ user: 'me', secure: false }])
  })

  it('that says no to it, and repeats it, is not repeated', async () => {
    const port = await listen({ ...login, ...pair })
    const outcome = await deliver(written(smtp(port, 'another-one'), { ca: pair!.cert }), noticeOf())
    expect(outcome).toMatchObject({ kind: 'refused', status: 535, error: 'SMTP 535: wrong password … for me' })
  })
})
