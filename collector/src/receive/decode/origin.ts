import { limits } from '../../limits.ts'
import type { About } from '../decoder.ts'
import { key } from './keys.ts'
import { Memo, MemoKey } from './memo.ts'
import { fields, type Reader } from './reader.ts'
import type { Slots } from './slots.ts'
import { Text } from './text.ts'

/** Who sent something: what is the same for all of one resource. */
export interface Origin {
  /** Another one for each origin. */
  id: number
  env: Text
  service: Text
  version: Text
  instance: Text
  /** `telemetry.distro.version`. */
  distro: Text
  serviceName: string
  /** The resource is one of our agents. */
  ours: boolean
  /** SHA-256 of the token the request came with, empty without one. */
  token: string
  /** Places of env, service, version and instance in the dictionaries of the calls' block with this serial. */
  serial: number
  places: Int32Array
}

const resourceFields = fields(1)

/** Reads resources, each once. */
export class Origins {
  readonly #reader: Reader
  readonly #slots: Slots
  readonly #memo = new Memo<Origin>()
  readonly #senders = new Map<string, number>()
  readonly #key = new MemoKey()
  readonly #text = new Text()
  #made = 0

  constructor(reader: Reader, slots: Slots) {
    this.#reader = reader
    this.#slots = slots
  }

  /** Reads the Resource between two places of the request; without one, both are 0. */
  read(start: number, end: number, about: About): Origin {
    if (end - start > limits.memoResourceBytes) return this.#make(start, end, about)
    const { bytes, view } = this.#reader
    const wanted = this.#key
    wanted.start(this.#senderOf(about))
    this.#text.bytes = bytes
    this.#text.view = view
    this.#text.start = start
    this.#text.end = end
    wanted.add(this.#text)
    const known = this.#memo.get(wanted.bytes, wanted.view, 0, wanted.length)
    return known ?? this.#memo.add(wanted.bytes, wanted.view, 0, wanted.length, this.#make(start, end, about))
  }

  #senderOf({ env, token }: About): number {
    const name = `${token} ${env ?? ''} ${env === undefined}`
    let sender = this.#senders.get(name)
    if (sender === undefined) {
      if (this.#senders.size >= limits.sendersKnown) {
        this.#senders.clear()
        this.#memo.clear()
      }
      sender = this.#senders.size
      this.#senders.set(name, sender)
    }
    return sender
  }

  #make(start: number, end: number, { env, token }: About): Origin {
    const slots = this.#slots
    const reader = this.#reader
    slots.begin()
    reader.at = start
    while (reader.at < end) {
      const tag = reader.tag(end)
      if (tag === 0x0a) slots.read(reader.length(end))
      else reader.skip(tag, end, resourceFields)
    }
    const service = this.#stored(key['service.name'])
    if (service.length === 0) service.set('unknown_service')
    const given = new Text()
    given.set(env ?? '')
    return {
      id: this.#made++ | 0,
      env:
        env === undefined
          ? this.#stored(slots.either(key['deployment.environment.name'], key['deployment.environment']))
          : given,
      service,
      version: this.#stored(key['service.version']),
      instance: this.#stored(key['service.instance.id']),
      distro: this.#stored(key['telemetry.distro.version']),
      serviceName: service.toString(),
      ours: slots.value(key['telemetry.distro.name']) === 'callsight',
      token,
      serial: 0,
      places: new Int32Array(4),
    }
  }

  /** A text of its own, which outlives the request. */
  #stored(attribute: number): Text {
    const text = new Text()
    this.#slots.text(attribute, text)
    text.set(text.clipped())
    return text
  }
}
