import { createHash, createHmac } from 'node:crypto'
import type { Consumer } from '../config/config.ts'
import { limits } from '../limits.ts'

/** What a consumer is called, and its plan, as told last. */
export interface News {
  consumer: string
  name: string
  plan: string
  /** Milliseconds since 1970. */
  changedAt: number
}

/** Who sent a call, as far as its keys go by it. */
interface Sender {
  service: string
  /** SHA-256 of the token the request came with, empty without one. */
  token: string
}

/**
 * Turns what a call says of its caller into a consumer.
 *
 * Agents send API keys as `key_` and half an HMAC-SHA-256 over the key's SHA-256. Its secret is CALLSIGHT_KEY_SECRET, or
 * follows from the ingest token's SHA-256, or from the service's name; all three are known here, so the same value can be
 * computed from the digests in callsight.yaml and neither side ever sees the other's keys.
 */
export class Consumers {
  #configured: readonly Consumer[] = []
  #byId = new Map<string, Consumer>()
  readonly #bySecret = new Map<string, Map<string, Consumer>>()
  readonly #written = new Map<string, string>()
  readonly #news = new Map<string, News>()
  readonly #keySecret: string | undefined

  constructor(configured: readonly Consumer[], keySecret: string | undefined) {
    this.#keySecret = keySecret
    this.configure(configured)
  }

  /** Takes the consumers of a new configuration. */
  configure(configured: readonly Consumer[]): void {
    this.#configured = configured
    this.#byId = new Map(configured.map((consumer) => [consumer.id, consumer]))
    this.#bySecret.clear()
  }

  /** The configured consumer that an id stands for, or the id itself. */
  resolve(id: string, plan: string, sender: Sender): { id: string; plan: string; configured: boolean } {
    const known =
      id === '' ? undefined : (this.#byId.get(id) ?? (id.startsWith('key_') ? this.#byKey(id, sender) : undefined))
    if (known === undefined) return { id, plan, configured: false }
    return { id: known.id, plan: known.plan || plan, configured: true }
  }

  /** Notes what an application told of a consumer; what is known already is no news. */
  note(id: string, name: string, plan: string): void {
    const said = JSON.stringify([name, plan])
    if (this.#written.get(id) === said) return
    if (this.#written.size >= limits.consumersKnown) this.#written.clear()
    this.#written.set(id, said)
    this.#news.set(id, { consumer: id, name, plan, changedAt: Date.now() })
  }

  /** What is not in the table `consumers` yet. */
  takeNews(): News[] {
    if (this.#news.size === 0) return []
    const news = [...this.#news.values()]
    this.#news.clear()
    return news
  }

  /** Takes back news that will not be stored: whoever tells it again is listened to. */
  forgetNews(): void {
    for (const id of this.#news.keys()) this.#written.delete(id)
    this.#news.clear()
  }

  #byKey(id: string, sender: Sender): Consumer | undefined {
    if (this.#configured.length === 0) return undefined
    return (
      (this.#keySecret === undefined ? undefined : this.#keyed(this.#keySecret).get(id)) ??
      (sender.token === '' ? undefined : this.#keyed(`token:${sender.token}`).get(id)) ??
      this.#keyed(`service:${sender.service}`).get(id)
    )
  }

  #keyed(secret: string): Map<string, Consumer> {
    let ids = this.#bySecret.get(secret)
    if (ids === undefined) {
      if (this.#bySecret.size >= limits.sendersKnown) this.#bySecret.clear()
      ids = new Map()
      for (const consumer of this.#configured) {
        // Its own id counts as a key: a gateway that sends `x-consumer-id: acme` needs no further set-up.
        const digests = [...consumer.keys, createHash('sha256').update(consumer.id).digest('hex')]
        for (const digest of digests) ids.set(keyId(secret, digest), consumer)
      }
      this.#bySecret.set(secret, ids)
    }
    return ids
  }
}

/** The id that an agent with this secret sends for a key. @param digest SHA-256 of the key, hexadecimal */
export function keyId(secret: string, digest: string): string {
  return `key_${createHmac('sha256', secret).update(digest).digest('hex').slice(0, 32)}`
}
