import { createHash, createHmac } from 'node:crypto'
import { Cache } from '../cache.ts'
import type { Consumer, Headers } from '../call.ts'
import { CONSUMER_FIELD, CONSUMERS, KEY_LENGTH } from '../limits.ts'

/** What the hash is keyed with, and whether anybody could know it. */
export interface KeySecret {
  secret: string
  guessable: boolean
}

/**
 * The secret of the keyed hash. The collector, which knows the hashes of its tokens, derives the same one and so
 * recognises configured consumers without ever seeing a key.
 */
export function keySecret(configured: string, headers: Record<string, string>, service: string): KeySecret {
  if (configured !== '') return { secret: configured, guessable: false }
  const token = /^bearer\s+(.+)$/i.exec(headers.authorization ?? '')?.[1]
  if (token !== undefined) return { secret: `token:${sha256(token.trim())}`, guessable: false }
  return { secret: `service:${service}`, guessable: true }
}

/** Names the consumer of a call from its headers. Raw keys stay in the process; `T` is what is made of an id, once. */
export class Consumers<T> {
  readonly #headers: readonly string[]
  readonly #claims: readonly string[]
  readonly #secret: string
  readonly #encode: (consumer: Consumer) => T
  readonly #onKey: () => void
  readonly #keys = new Cache<string, T>(CONSUMERS)
  readonly #credentials = new Cache<string, T>(CONSUMERS)
  readonly #told = new Cache<string, T>(CONSUMERS)

  /** @param onKey hears of every key that is hashed for the first time */
  constructor(
    headers: readonly string[],
    claims: readonly string[],
    secret: string,
    encode: (consumer: Consumer) => T,
    onKey: () => void = () => {},
  ) {
    this.#headers = headers
    this.#claims = claims
    this.#secret = secret
    this.#encode = encode
    this.#onKey = onKey
  }

  /** The first of the configured headers that is present decides. */
  fromHeaders(headers: Headers): T | undefined {
    for (const name of this.#headers) {
      const value = headers[name]
      if (typeof value !== 'string' || value === '' || value.length > KEY_LENGTH) continue
      // Only `authorization` is taken apart, so the same text may mean another key there.
      const memory = name === 'authorization' ? this.#credentials : this.#keys
      const known = memory.get(value)
      if (known !== undefined) return known
      const made = this.#encode({ id: this.idOf(name === 'authorization' ? this.#credential(value) : value) })
      memory.set(value, made)
      this.#onKey()
      return made
    }
    return undefined
  }

  fromApplication(consumer: Consumer): T {
    const key = `${consumer.id}\0${consumer.name ?? ''}\0${consumer.plan ?? ''}\0${consumer.group ?? ''}`
    let made = this.#told.get(key)
    if (made === undefined) {
      made = this.#encode(consumer)
      this.#told.set(key, made)
    }
    return made
  }

  /** `key_` and the first 32 hexadecimal digits of HMAC-SHA256(secret, SHA-256 of the key in hexadecimal). */
  idOf(rawKey: string): string {
    return `key_${createHmac('sha256', this.#secret).update(sha256(rawKey)).digest('hex').slice(0, 32)}`
  }

  /** The part of an `authorization` header that stays the same for one caller. */
  #credential(header: string): string {
    const [, scheme, rest] = /^(\S+)\s+(.+)$/.exec(header) ?? []
    if (scheme === undefined || rest === undefined) return header
    const credential = rest.trim()
    if (/^basic$/i.test(scheme)) return Buffer.from(credential, 'base64').toString('utf8').split(':', 1)[0]!
    if (/^bearer$/i.test(scheme)) return this.#claim(credential) ?? credential
    return credential
  }

  /** A claim of a JSON Web Token. Not verified: the application does that, and answers 401 where it fails. */
  #claim(token: string): string | undefined {
    const parts = token.split('.')
    if (parts.length !== 3 || !token.startsWith('eyJ')) return undefined
    try {
      const payload = JSON.parse(Buffer.from(parts[1]!, 'base64url').toString('utf8')) as Record<string, unknown>
      for (const claim of this.#claims) {
        const value = payload[claim]
        if ((typeof value === 'string' && value !== '') || typeof value === 'number') return String(value)
      }
    } catch {
      // Not a token after all: the whole credential is the key.
    }
    return undefined
  }
}

/** Accepts what an application passes to `setConsumer`; undefined when there is no usable id. */
export function acceptConsumer(raw: unknown): Consumer | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined
  const { id, name, plan, group } = raw as Record<string, unknown>
  const accepted = field(id)
  if (accepted === undefined) return undefined
  const consumer: Consumer = { id: accepted }
  const told = { name: field(name), plan: field(plan), group: field(group) }
  if (told.name !== undefined) consumer.name = told.name
  if (told.plan !== undefined) consumer.plan = told.plan
  if (told.group !== undefined) consumer.group = told.group
  return consumer
}

function field(value: unknown): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint') return undefined
  const text = String(value)
  return text === '' ? undefined : text.slice(0, CONSUMER_FIELD)
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
