import type { Channel } from '../../config/config.ts'
import { urlText } from '../../config/url.ts'

/** Shorter pieces of a URL are words, not secrets. */
const secretChars = 8

/** All texts of a channel that nobody must read in an error, the longest first. A receiver may repeat what it got. */
export function secretsOf(channel: Channel): string[] {
  const texts = channel.kind === 'email' ? urlSecrets(channel.smtp) : urlSecrets(channel.url)
  switch (channel.kind) {
    case 'webhook':
      texts.push(...channel.secrets)
      break
    case 'slack':
      if (channel.application !== undefined) texts.push(channel.application.token)
      break
    case 'pagerduty':
      texts.push(channel.routingKey)
      break
    case 'telegram':
      texts.push(...(/\/bot([^/]+)\/sendMessage$/.exec(channel.url)?.slice(1) ?? []))
      break
    case 'discord':
    case 'template':
      texts.push(
        ...Object.values(channel.headers)
          .flatMap((value) => [value, ...value.split(/\s+/)])
          .filter(isLong),
      )
      break
  }
  return [...new Set(texts)].filter((text) => text.length >= 4).sort((a, b) => b.length - a.length)
}

/** The text without these. */
export function concealed(text: string, secrets: readonly string[]): string {
  return secrets.reduce((shown, secret) => shown.replaceAll(secret, '…'), text)
}

/** Where a channel's notices go, as may be shown: the host, and nothing that lets anyone write there. */
export function placeOf(channel: Channel): string {
  if (channel.kind === 'email') return new URL(channel.smtp).host
  return channel.kind === 'webhook' ? urlText(channel.url) : new URL(channel.url).host
}

function urlSecrets(text: string): string[] {
  const { username, password, pathname, search } = new URL(text)
  const plain = (part: string) => {
    try {
      return decodeURIComponent(part)
    } catch {
      return part
    }
  }
  const basic = Buffer.from(`${plain(username)}:${plain(password)}`).toString('base64')
  const parts = [pathname, search, ...`${pathname}${search}`.split(/[/?&=]/)].filter(isLong)
  return [text, ...parts, ...parts.map(plain), password, plain(password), password === '' ? '' : basic]
}

function isLong(text: string): boolean {
  return text.length >= secretChars
}
