import { createHash, createHmac } from 'node:crypto'
import { Cache } from '../cache.ts'
import type { Consumer, Headers } from '../call.ts'
import { CONSUMER_FIELD, CONSUMERS, KEY_LENGTH, KEY_REMEMBERED } from '../limits.ts'

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

/** HMAC-SHA256(secret, SHA-256 of the text in hexadecimal), its first 32 hexadecimal digits. */
export function keyedHash(secret: string, text: string): string {
  return createHmac('sha256', secret).update(sha256(text)).digest('hex').slice(0, 32)
}

/**
 * What a call presents as its credential, and what that is worth:
 * - `key`: only its owner has it.
 * - `name`: a user name, which proves nothing without the password beside it.
 * - `claim`: what an unverified token says.
 */
interface Credential {
  readonly text: string
  readonly kind: 'key' | 'name' | 'claim'
  /** It is another one for each request of the same caller: not worth remembering. */
  readonly fresh?: true
}

interface Known<T> {
  readonly made: T
  readonly kind: Credential['kind']
}

/**
 * Names the consumer of a call by the credential it presents. Raw keys stay in the process.
 * `T` is what is made of an id, once.
 */
export class Keys<T> {
  readonly #headers: readonly string[]
  readonly #query: RegExp | undefined
  readonly #claims: readonly string[]
  readonly #make: (key: string, claim: boolean) => T
  readonly #plain = new Cache<string, Known<T>>(CONSUMERS)
  readonly #credentials = new Cache<string, Known<T>>(CONSUMERS)

  /**
   * @param headers tried in turn, names in lower case
   * @param query names of query parameters, tried after the headers
   * @param make hears of every key that is not remembered
   */
  constructor(
    headers: readonly string[],
    query: readonly string[],
    claims: readonly string[],
    make: (key: string, claim: boolean) => T,
  ) {
    this.#headers = headers
    this.#claims = claims
    this.#make = make
    const names = query.map((name) => name.replace(/[.*+?^${}()|[\]\\-]/g, '\\$&')).join('|')
    this.#query = names === '' ? undefined : new RegExp(`[?&](?:${names})=([^&#]+)`, 'i')
  }

  /**
   * The first credential that is present decides; a token's claim only where there is nothing better. Where the
   * application refused the caller (401, 403), a name or a claim may be somebody else's, and does not count.
   */
  of(headers: Headers, url: string, status: number): T | undefined {
    const refused = status === 401 || status === 403
    let claim: T | undefined
    for (const name of this.#headers) {
      const value = headers[name]
      if (typeof value !== 'string' || value === '' || value.length > KEY_LENGTH) continue
      // Only `authorization` is taken apart, so the same text may mean another key there.
      const known = name === 'authorization' ? this.#credential(value) : this.#key(value)
      if (known === undefined) continue
      const { made, kind } = known
      if (kind === 'key') return made
      if (refused) continue
      if (kind === 'name') return made
      claim ??= made
    }
    if (this.#query === undefined || url.indexOf('?') < 0) return claim
    const asked = this.#fromQuery(this.#query, url)
    if (asked === undefined || (refused && asked.kind !== 'key')) return claim
    return asked.kind === 'key' ? asked.made : (claim ?? asked.made)
  }

  #key(value: string): Known<T> {
    return this.#plain.get(value) ?? this.#remember(this.#plain, value, { text: value, kind: 'key' })
  }

  #credential(value: string): Known<T> | undefined {
    const memory = this.#credentials
    const known = memory.get(value)
    if (known !== undefined) return known
    const credential = credentialOf(value, this.#claims)
    if (credential === undefined) return undefined
    // A space in front: no header begins with one.
    const place = credential.fresh === true ? ` ${credential.text}` : value
    return memory.get(place) ?? this.#remember(memory, place, credential)
  }

  /** A token in the query, as RFC 6750 allows it, is one of a bearer. */
  #fromQuery(query: RegExp, url: string): Known<T> | undefined {
    const raw = query.exec(url)?.[1]
    if (raw === undefined || raw.length > KEY_LENGTH) return undefined
    const value = /[%+]/.test(raw) ? decoded(raw) : raw
    return value.startsWith('eyJ') ? this.#credential(`Bearer ${value}`) : this.#key(value)
  }

  #remember(memory: Cache<string, Known<T>>, value: string, { text, kind }: Credential): Known<T> {
    const known = { made: this.#make(text, kind === 'claim'), kind }
    if (value.length <= KEY_REMEMBERED) memory.set(value, known)
    return known
  }
}

/** A value of a query, percent-decoded; left alone where it is not percent-encoded after all. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value.replaceAll('+', ' '))
  } catch {
    return value
  }
}

/** Schemes whose credential is made anew for each request: signed, hashed with a number that counts up, or a handshake. */
const FRESH = /^(?:aws4-|digest$|hawk$|oauth$|signature$|hmac|negotiate$|ntlm$|scram-|hoba$|mutual$)/i
/** Who signs, where such a scheme tells: Digest, Hawk, OAuth 1.0, HTTP signatures, AWS (up to the date of its scope). */
const SIGNER = /(?:^|[\s,])(?:username|id|oauth_consumer_key|keyid|credential)\s*=\s*(?:"([^"]+)"|([^\s,"/]+))/i

/** The part of an `authorization` header that stays the same for one caller; undefined where there is none. */
function credentialOf(header: string, claims: readonly string[]): Credential | undefined {
  const [, scheme, rest] = /^(\S+)\s+(\S.*)$/.exec(header) ?? []
  if (scheme === undefined || rest === undefined) return { text: header, kind: 'key' }
  const credential = rest.trim()
  if (/^basic$/i.test(scheme)) {
    const pair = Buffer.from(credential, 'base64').toString('utf8')
    const colon = pair.indexOf(':')
    const user = colon < 0 ? pair : pair.slice(0, colon)
    const password = colon < 0 ? '' : pair.slice(colon + 1)
    if (user !== '' && password !== '') return { text: user, kind: 'name' }
    // One without the other is how many an API takes its keys.
    return { text: user || password, kind: 'key' }
  }
  if (/^(?:bearer|dpop)$/i.test(scheme)) {
    const claim = claimOf(credential, claims)
    if (claim !== undefined) return { text: claim, kind: 'claim' }
  } else if (FRESH.test(scheme)) {
    const [, quoted, bare] = SIGNER.exec(credential) ?? []
    const signer = quoted ?? bare
    return signer === undefined ? undefined : { text: signer, kind: 'name', fresh: true }
  }
  return { text: credential, kind: 'key' }
}

/** A claim of a JSON Web Token. Not verified: the application does that, and answers 401 where it fails. */
function claimOf(token: string, claims: readonly string[]): string | undefined {
  const parts = token.split('.')
  if (parts.length !== 3 || !token.startsWith('eyJ')) return undefined
  try {
    const payload = JSON.parse(Buffer.from(parts[1]!, 'base64url').toString('utf8')) as Record<string, unknown>
    for (const claim of claims) {
      const value = payload[claim]
      if ((typeof value === 'string' && value !== '') || typeof value === 'number') return String(value)
    }
  } catch {
    // Not a token after all: the whole credential is the key.
  }
  return undefined
}

/**
 * Accepts what an application says of a consumer. Undefined when there is no usable id. Whatever it throws when it is looked
 * at (a model that was not loaded) is the application's fault and none of the agent's, which would switch itself off.
 */
export function acceptConsumer(raw: unknown): Consumer | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined
  try {
    return readConsumer(raw as Record<string, unknown>)
  } catch {
    return undefined
  }
}

function readConsumer({ id, name, plan, group }: Record<string, unknown>): Consumer | undefined {
  const accepted = acceptField(id)
  if (accepted === undefined) return undefined
  const consumer: Consumer = { id: accepted }
  const told = { name: acceptField(name), plan: acceptField(plan), group: acceptField(group) }
  if (told.name !== undefined) consumer.name = told.name
  if (told.plan !== undefined) consumer.plan = told.plan
  if (told.group !== undefined) consumer.group = told.group
  return consumer
}

/** A text, cut to what is kept of one; undefined when it is none. */
export function acceptField(value: unknown): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint') return undefined
  const text = String(value)
  return text === '' ? undefined : text.slice(0, CONSUMER_FIELD)
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
