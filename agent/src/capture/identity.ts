import { Cache } from '../cache.ts'
import type { Call, Consumer, ConsumerSource } from '../call.ts'
import type { Config } from '../config.ts'
import type { Feature } from '../health.ts'
import { CONSUMER_TIME, CONSUMERS } from '../limits.ts'
import { acceptConsumer, acceptField, Keys, keyedHash } from './consumer.ts'
import { gatewayConsumer } from './gateway.ts'
import { HostUser, requestOf } from './hostuser.ts'

type Settings = Pick<Config, 'consumer' | 'consumerHeader' | 'consumerQuery' | 'consumerClaim' | 'gatewayHeaders'>

/**
 * Who called. Asked when a call has ended, so that the host has verified whom it verifies. The best source wins: the
 * application's function, `setConsumer`, the host's own user, a trusted gateway, a verified certificate, a key, and an
 * unverified token last. `T` is what is made of a consumer, once.
 */
export class Identity<T> {
  readonly #ask: ((request: unknown) => unknown) | undefined
  readonly #asking: Feature
  readonly #host: HostUser
  readonly #gatewayHeaders: readonly string[]
  readonly #keys: Keys<T>
  readonly #hash: (text: string) => string
  readonly #encode: (consumer: Consumer, source: ConsumerSource) => T
  readonly #told = new Cache<string, T>(CONSUMERS)
  readonly #ids = { host: new Cache<string, T>(CONSUMERS), mtls: new Cache<string, T>(CONSUMERS) }
  readonly #gateway = new Cache<string, T>(CONSUMERS)
  /** The last run of the application's function was. */
  #slow = false

  /**
   * @param asking contains the application's function
   * @param onKey hears of everything that is hashed for the first time
   */
  constructor(
    settings: Settings,
    secret: string,
    encode: (consumer: Consumer, source: ConsumerSource) => T,
    asking: Feature,
    onKey: () => void = () => {},
  ) {
    this.#ask = settings.consumer
    this.#asking = asking
    this.#host = new HostUser(settings.consumerClaim)
    this.#gatewayHeaders = settings.gatewayHeaders
    this.#encode = encode
    this.#hash = (text) => {
      onKey()
      return `key_${keyedHash(secret, text)}`
    }
    this.#keys = new Keys(settings.consumerHeader, settings.consumerQuery, settings.consumerClaim, (key, claim) =>
      encode({ id: this.#hash(key) }, claim ? 'jwt' : 'api_key'),
    )
  }

  of(call: Call): T | undefined {
    // The credentials of an outgoing call are the application's own.
    if (call.kind.direction === 'out') return call.consumer === undefined ? undefined : this.#application(call.consumer)
    if (this.#ask !== undefined && !this.#asking.off) {
      const consumer = this.#asked(this.#ask, call)
      if (consumer !== undefined) return this.#application(consumer)
    }
    if (call.consumer !== undefined) return this.#application(call.consumer)
    const user = this.#userOf(call)
    if (user !== undefined) return this.#named(user, 'host')
    const { connection } = call
    if (connection !== undefined) {
      const gateway = connection.trusted ? gatewayConsumer(call.headers, this.#gatewayHeaders) : undefined
      if (gateway !== undefined) return this.#fromGateway(gateway)
      if (connection.certificate !== undefined) return this.#named(connection.certificate, 'mtls')
    }
    return this.#keys.of(call.headers, call.url, call.status)
  }

  /** A property of the host's own may throw, for anonymous callers for instance: then nobody was verified. */
  #userOf(call: Call): string | undefined {
    try {
      return this.#host.idOf(call)
    } catch {
      return undefined
    }
  }

  /** Runs the application's function: never awaited, its exceptions contained, its time measured. */
  #asked(ask: (request: unknown) => unknown, call: Call): Consumer | undefined {
    const request = requestOf(call)
    if (request === undefined) return undefined
    try {
      const begun = performance.now()
      const answer = ask(request)
      this.#judgeTime(performance.now() - begun)
      if (answer === undefined || answer === null) return undefined
      if (typeof (answer as PromiseLike<unknown>).then === 'function') {
        // Nobody else will look at it: its rejection must not end the process.
        ;(answer as PromiseLike<unknown>).then(undefined, () => {})
        throw new Error('the function returned a promise, which nobody waits for; return { id }, a text or undefined')
      }
      const consumer = typeof answer === 'object' ? acceptConsumer(answer) : idOnly(answer)
      if (consumer === undefined) throw new Error('the function returned neither { id }, nor a text, nor undefined')
      return consumer
    } catch (error) {
      this.#asking.fault(error)
      return undefined
    }
  }

  /** Only the second of two slow runs in a row is held against the function: the first may have met the garbage collector. */
  #judgeTime(took: number): void {
    const slow = took > CONSUMER_TIME
    if (slow && this.#slow) {
      const limit = `it runs for every call and may take ${CONSUMER_TIME} ms`
      this.#asking.fault(`the function took ${took.toFixed(1)} ms; ${limit}`)
    }
    this.#slow = slow
  }

  #application(consumer: Consumer): T {
    const key = `${consumer.id}\0${consumer.name ?? ''}\0${consumer.plan ?? ''}\0${consumer.group ?? ''}`
    let made = this.#told.get(key)
    if (made === undefined) {
      made = this.#encode(consumer, 'application')
      this.#told.set(key, made)
    }
    return made
  }

  #named(id: string, source: 'host' | 'mtls'): T {
    const memory = this.#ids[source]
    let made = memory.get(id)
    if (made === undefined) {
      made = this.#encode({ id: this.#discreet(id) }, source)
      memory.set(id, made)
    }
    return made
  }

  #fromGateway({ id, name }: Consumer): T {
    const key = name === undefined ? id : `${id}\0${name}`
    let made = this.#gateway.get(key)
    if (made === undefined) {
      const shown = name === undefined || isEmail(name) ? {} : { name }
      made = this.#encode({ id: this.#discreet(id), ...shown }, 'gateway')
      this.#gateway.set(key, made)
    }
    return made
  }

  /** An e-mail address leaves the process only where the application itself says so. */
  #discreet(id: string): string {
    return isEmail(id) ? this.#hash(id) : id
  }
}

function idOnly(answer: unknown): Consumer | undefined {
  const id = acceptField(answer)
  return id === undefined ? undefined : { id }
}

function isEmail(text: string): boolean {
  return /^[^\s@]+@[^\s@.]+(?:\.[^\s@.]+)+$/.test(text)
}
