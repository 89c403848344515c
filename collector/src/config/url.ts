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
