import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import { rootCertificates } from 'node:tls'
import { createTransport } from 'nodemailer'
import type { EmailChannel } from '../../config/config.ts'
import { limits } from '../../limits.ts'
import { bare, checkHost, type Guard, guardedLookup, hostClass } from '../guard.ts'
import { messageOf } from '../message.ts'
import type { Notice } from '../notice.ts'
import { causeOf, firstWords, type Outcome, outcomeOf } from '../webhook.ts'
import type { Deliverer } from './deliverer.ts'
import { mailHtml } from './mail.ts'
import { textOf } from './text.ts'

/** E-mail over SMTP. 4xx is worth another attempt, 5xx is not (RFC 5321, 4.2.1). */
export function emailDeliverer(channel: EmailChannel, guard: Guard): Deliverer {
  const { to, from } = channel
  // A mail taken for some of its readers is sent again to the others only.
  const taken = new Map<string, readonly string[]>()
  return {
    async deliver(notice, stop) {
      const timeout = AbortSignal.timeout(limits.noticeTimeoutMs * 2)
      const transport = createTransport(transportOptions(channel, guard))
      const readers = to.filter((reader) => !taken.get(notice.id)?.includes(reader))
      try {
        const { accepted, rejected, rejectedErrors } = await transport.sendMail({
          ...mailOf(notice, channel),
          envelope: { from, to: [...readers] },
          signal: AbortSignal.any([stop, timeout]),
        })
        if (rejected.length === 0) {
          taken.delete(notice.id)
          return outcomeOf('delivered', '', 250)
        }
        if (taken.size >= limits.noticeThreads) taken.clear()
        // Who cannot be told apart gets the mail twice rather than never.
        const has = new Set(accepted.map((address) => String(address).toLowerCase()))
        const before = taken.get(notice.id) ?? []
        taken.set(notice.id, [...before, ...readers.filter((reader) => has.has(addressOf(reader).toLowerCase()))])
        return partly(rejected.length, to.length, rejectedErrors ?? [])
      } catch (error) {
        if (stop.aborted) return outcomeOf('cut', 'stopped')
        return timeout.aborted ? outcomeOf('later', 'the mail server took too long') : failure(error)
      }
    },
  }
}

/** `ops@example.com` of `Operations <ops@example.com>`. */
function addressOf(mailbox: string): string {
  return /<([^<>]+)>\s*$/.exec(mailbox)?.[1] ?? mailbox
}

function transportOptions({ smtp, ca }: EmailChannel, guard: Guard) {
  const url = new URL(smtp)
  const secure = url.protocol === 'smtps:'
  const host = bare(url.hostname)
  const port = Number(url.port) || (secure ? 465 : 587)
  const user = decodeURIComponent(url.username)
  const auth = user === '' ? {} : { auth: { user, pass: decodeURIComponent(url.password) } }
  return {
    host,
    port,
    secure,
    ...auth,
    // A password does not cross a network in clear text.
    requireTLS: user !== '' && !secure && hostClass(host) !== 'a loopback',
    tls: ca === undefined ? {} : { ca: [...rootCertificates, ca] },
    connectionTimeout: limits.noticeTimeoutMs,
    greetingTimeout: limits.noticeTimeoutMs,
    socketTimeout: limits.noticeTimeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
    /** A connection of ours, for the guard sees only what it looks up. */
    getSocket: (
      _: unknown,
      done: (error: Error | null, socket?: { connection: ReturnType<typeof connect> }) => void,
    ) => {
      try {
        checkHost(host, guard)
      } catch (error) {
        return done(error as Error)
      }
      const connection = connect({ host, port, lookup: guardedLookup(guard), timeout: limits.noticeTimeoutMs })
      const end = (error: Error | null) => {
        connection.removeAllListeners('error').removeAllListeners('timeout').setTimeout(0)
        if (error === null) return done(null, { connection })
        connection.on('error', () => {}).destroy()
        done(error)
      }
      connection.once('connect', () => end(null)).once('error', end)
      connection.once('timeout', () => end(Object.assign(new Error(), { code: 'ETIMEDOUT' })))
    },
  }
}

/**
 * The mail. Every one of a group refers to the same message, which was never sent: that puts them into one thread (RFC
 * 5322, 3.6.4). `Auto-Submitted` keeps absence notes from answering (RFC 3834).
 */
export function mailOf(notice: Notice, { name, from, to }: EmailChannel) {
  const message = messageOf(notice)
  const domain = /@([^>\s]+)>?\s*$/.exec(from)?.[1] ?? 'callsight.invalid'
  const root = `<group-${digest(notice.groupKey)}@${domain}>`
  return {
    from,
    to: [...to],
    subject: message.title,
    date: new Date(notice.createdMs),
    messageId: `<notice-${digest(notice.id)}@${domain}>`,
    inReplyTo: root,
    references: root,
    list: { id: { url: `callsight-${digest(name).slice(0, 8)}.${domain}`, comment: 'Callsight notices' } },
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
    text: `${message.title}\n\n${textOf(message, 'plain')}\n`,
    html: mailHtml(message),
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}

/** What nodemailer says of a failure. */
interface SmtpFailure {
  code?: string | undefined
  /** What nodemailer replaced by a code of its own. */
  originalCode?: string | undefined
  responseCode?: number | undefined
  response?: string | undefined
}

function failure(error: unknown): Outcome {
  const { code, originalCode, responseCode = 0, response = '' } = error as SmtpFailure
  if (code === 'ETLS') {
    return outcomeOf('later', 'the mail server does not offer TLS, and a password does not go without', responseCode)
  }
  if (responseCode > 0) return outcomeOf(kindOf(responseCode), replyWords(responseCode, response), responseCode)
  if (code === 'EAUTH' || code === 'ENOAUTH')
    return outcomeOf('refused', 'the mail server takes no password of this kind')
  return outcomeOf(
    'later',
    causeOf(originalCode === undefined ? error : Object.assign(new Error(), { code: originalCode })),
  )
}

/** Some readers were refused: the others have it. */
function partly(refused: number, all: number, errors: readonly SmtpFailure[]): Outcome {
  const codes = errors.map(({ responseCode = 550 }) => responseCode)
  const status = codes.find((code) => code < 500) ?? codes[0] ?? 550
  const words = errors[0] === undefined ? '' : `: ${replyWords(codes[0]!, errors[0].response ?? '')}`
  return outcomeOf(kindOf(status), `${refused} of ${all} readers were refused${words}`, status)
}

function kindOf(code: number): Outcome['kind'] {
  return code >= 500 ? 'refused' : 'later'
}

function replyWords(code: number, response: string): string {
  const words = firstWords(response.replace(/^\d{3}[ -]?/, ''))
  return words === '' ? `SMTP ${code}` : `SMTP ${code}: ${words}`
}
