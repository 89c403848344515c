import { Cache } from '../cache.ts'
import { QUOTA_FIELDS, QUOTA_NAME, QUOTA_NAMES, QUOTA_VALUE } from '../limits.ts'

/*
 * What an answer says of how much more may be asked of its server: RateLimit and its older forms, X-RateLimit and its
 * like under many vendors' names, Retry-After. These few fields travel with every outgoing call that has them, so this
 * runs for every outgoing call: fields are read where the client has them, and of most names only two letters are
 * looked at.
 */

/** A field by its name in lower case, with its values as they may be sent. */
export type QuotaField = readonly [name: string, values: string[]]

/** `ratelimit` anywhere among the words of a name, and the names of those who call it something else. */
const QUOTA =
  /^(?:(?:[a-z0-9]+-){0,4}(?:ratelimit|rate-limit)s?(?:-[a-z0-9]+){0,6}|(?:x-ms-)?retry-after(?:-ms)?|x-shopify-shop-api-call-limit|sforce-limit-info)$/

/** The first two letters of all of these: `ra`, `re`, `x-`, `an`(thropic), `sf`(orce). Bit 5 makes letters small and leaves `-`. */
const STARTS = new Set(['ra', 're', 'x-', 'an', 'sf'].map((start) => (start.charCodeAt(0) << 8) | start.charCodeAt(1)))

/** A number, or one of another. It has no room for a secret, and all values but dates and lists are like this. */
const NUMBER = /^\d{1,13}(?:\.\d{1,9})?$|^\d{1,10}\/\d{1,10}$/
/** The partition of a policy is often the caller's key or name, and tells nothing of how much is left. */
const PARTITION = /;\s*pk=(?::[^:]*:|"[^"]*"|[^;,"]*)/g

/** Names as they are sent, with the name in lower case, or nothing when it is another field. */
const names = new Cache<string, string>(QUOTA_NAMES)

/**
 * The fields about quotas of an answer; undefined when there are none. What could be a secret, in a field where nobody
 * expects one, is left out whole.
 *
 * @param raw name, value, name, value ... as text or bytes; or an object by name
 * @param redact masks what looks like a secret in a value
 */
export function quotaFields(raw: unknown, redact: (value: string) => string): QuotaField[] | undefined {
  let found: QuotaField[] | undefined
  if (Array.isArray(raw)) {
    for (let i = 0; i + 1 < raw.length; i += 2) {
      const name = quotaName(raw[i])
      if (name !== '') found = add(found, name, raw[i + 1], redact)
    }
  } else if (typeof raw === 'object' && raw !== null) {
    for (const key in raw) {
      const name = quotaName(key)
      if (name !== '') found = add(found, name, (raw as Record<string, unknown>)[key], redact)
    }
  }
  return found
}

/** In lower case; empty for any other field. */
function quotaName(key: unknown): string {
  const { length } = key as string | Uint8Array
  // The shortest of these names is `ratelimit`.
  if (!(length >= 9 && length <= QUOTA_NAME)) return ''
  if (typeof key === 'string') {
    return STARTS.has(((key.charCodeAt(0) | 32) << 8) | key.charCodeAt(1) | 32) ? known(key) : ''
  }
  const bytes = key as Buffer
  return STARTS.has(((bytes[0]! | 32) << 8) | bytes[1]! | 32) ? known(bytes.toString('latin1')) : ''
}

function known(key: string): string {
  let name = names.get(key)
  if (name === undefined) {
    const lower = key.toLowerCase()
    name = QUOTA.test(lower) ? lower : ''
    names.set(key, name)
  }
  return name
}

function add(
  before: QuotaField[] | undefined,
  name: string,
  value: unknown,
  redact: (value: string) => string,
): QuotaField[] | undefined {
  const found = before ?? []
  for (const one of Array.isArray(value) ? value : [value]) {
    const text = tellable(String(one), redact)
    if (text === undefined) continue
    const same = found.find(([other]) => other === name)
    if (same === undefined && found.length < QUOTA_FIELDS) found.push([name, [text]])
    else if (same !== undefined && same[1].length < QUOTA_FIELDS) same[1].push(text)
  }
  return found.length === 0 ? undefined : found
}

/** A value as it may be sent. */
function tellable(value: string, redact: (value: string) => string): string | undefined {
  if (value.length > QUOTA_VALUE) return undefined
  if (NUMBER.test(value)) return value
  const text = value.includes('pk=') ? value.replace(PARTITION, '') : value
  return redact(text) === text ? text : undefined
}
