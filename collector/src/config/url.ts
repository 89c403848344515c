import { createHash } from 'node:crypto'
import { Unreadable } from './fault.ts'

/**
 * Checks an http(s) URL. The text is not repeated in the message: such URLs hold secrets.
 *
 * @throws Unreadable
 */
export function parseHttpUrl(text: string): string {
  let url: URL | undefined
  try {
    url = new URL(text)
  } catch {}
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new Unreadable('this is not an http or https URL', 'write it as https://hooks.example.com/path')
  }
  return text
}

/** An http(s) URL for people: the host, and a hash that tells two URLs of one host apart without showing either. */
export function urlText(url: string): string {
  const { protocol, host } = new URL(url)
  return `${protocol}//${host}/…${createHash('sha256').update(url).digest('hex').slice(0, 8)}`
}

/**
 * Checks the URL of a mail server: `smtp://` (STARTTLS where it is offered, and always with a password, but for this
 * machine) or `smtps://`. The text is not repeated in the message.
 *
 * @throws Unreadable
 */
export function parseSmtpUrl(text: string): string {
  let url: URL | undefined
  try {
    url = new URL(text)
  } catch {}
  if (url === undefined || !/^smtps?:$/.test(url.protocol) || url.hostname === '') {
    throw new Unreadable(
      'this is not the URL of a mail server',
      'write it as smtp://user:password@mail.example.com:587',
    )
  }
  return text
}
