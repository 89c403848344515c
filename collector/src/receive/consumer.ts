import { createHash, createHmac } from 'node:crypto'
import type { Consumer } from '../config/config.ts'
import { limits } from '../limits.ts'
import type { Row } from '../store/store.ts'
import { timeText } from '../store/time.ts'
import type { Origin } from './call.ts'

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
  readonly #news = new Map<string, Row>()
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
    for (const consumer of configured) this.#note(consumer.id, consumer.name, consumer.plan ?? '')
  }

  resolve(id: string, name: string, plan: string, origin: Origin): { id: string; plan: string } {
    if (id === '') return { id, plan }
    const known = this.#byId.get(id) ?? (id.startsWith('key_') ? this.#byKey(id, origin) : undefined)
    if (known !== undefined) return { id: known.id, plan: known.plan || plan }
    if (name !== '' || plan !== '') this.#note(id, name, plan)
    return { id, plan }
  }

  /** Rows for the table `consumers` that are not written yet. */
  takeNews(): Row[] {
    const news = [...this.#news.values()]
    this.#news.clear()
    return news
  }

  #byKey(id: string, origin: Origin): Consumer | undefined {
    if (this.#configured.length === 0) return undefined
    return (
      (this.#keySecret === undefined ? undefined : this.#keyed(this.#keySecret).get(id)) ??
      (origin.token === '' ? undefined : this.#keyed(`token:${origin.token}`).get(id)) ??
      this.#keyed(`service:${origin.service}`).get(id)
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

  #note(id: string, name: string, plan: string): void {
    const said = JSON.stringify([name, plan])
    if (this.#written.get(id) === said) return
    if (this.#written.size >= limits.consumersKnown) this.#written.clear()
    this.#written.set(id, said)
    this.#news.set(id, { consumer: id, name, plan, changed_at: timeText(Date.now()) })
  }
}

/** The id that an agent with this secret sends for a key. @param digest SHA-256 of the key, hexadecimal */
export function keyId(secret: string, digest: string): string {
  return `key_${createHmac('sha256', secret).update(digest).digest('hex').slice(0, 32)}`
}
