import { Operations } from '../operation.ts'
import type { Counting } from './counts.ts'
import { key } from './keys.ts'
import { Memo, MemoKey } from './memo.ts'
import { type Names, OTHER } from './names.ts'
import type { Origin } from './origin.ts'
import type { Slots } from './slots.ts'
import { Text } from './text.ts'

/** An operation as it is stored, and its place in the dictionary of the calls' block with this serial. */
export interface Operation {
  name: Text
  /** framework or guess, when the sender does not say it. */
  guessed: boolean
  overflowed: boolean
  serial: number
  place: number
}

const NAMED = 0
const GRAPHQL = 1
const RPC = 2
const ROUTE = 3
const UNMATCHED = 4
const PATH = 5

const OPERATION = key['callsight.operation']
const GRAPHQL_TYPE = key['graphql.operation.type']
const GRAPHQL_NAME = key['graphql.operation.name']
const RPC_METHOD = key['rpc.method']
const RPC_SERVICE = key['rpc.service']

/** Names operations: as the sender does, by its protocol, or by method and route. Each is worked out once. */
export class OperationNames {
  readonly #slots: Slots
  readonly #names: Names
  readonly #counting: Counting
  #guesses = new Operations()
  readonly #memo = new Memo<Operation>()
  readonly #key = new MemoKey()
  readonly #first = new Text()
  readonly #second = new Text()

  constructor(slots: Slots, names: Names, counting: Counting) {
    this.#slots = slots
    this.#names = names
    this.#counting = counting
  }

  /** Begins a new day. */
  clear(): void {
    this.#memo.clear()
    this.#guesses = new Operations()
  }

  of(origin: Origin, graphql: boolean, method: Text, route: Text, path: Text, unmatched: boolean): Operation {
    const operation = this.#find(origin, graphql, method, route, path, unmatched)
    if (operation.overflowed) this.#counting.overflowed('operation')
    return operation
  }

  #find(origin: Origin, graphql: boolean, method: Text, route: Text, path: Text, unmatched: boolean): Operation {
    const slots = this.#slots
    const first = this.#first
    const second = this.#second
    slots.text(OPERATION, first)
    if (first.length > 0) {
      second.clear()
      return this.#known(NAMED, first, second, origin)
    }
    if (graphql) {
      slots.text(GRAPHQL_TYPE, first)
      slots.text(GRAPHQL_NAME, second)
      const operation = this.#known(GRAPHQL, first, second, origin)
      if (operation.name.length > 0) return operation
    } else if (slots.has(RPC_METHOD)) {
      slots.text(RPC_METHOD, first)
      slots.text(RPC_SERVICE, second)
      if (first.length > 0) return this.#known(RPC, first, second, origin)
    }
    return this.#byRoute(origin, method, route, path, unmatched)
  }

  #byRoute(origin: Origin, method: Text, route: Text, path: Text, unmatched: boolean): Operation {
    if (route.length > 0) return this.#known(ROUTE, method, route, origin)
    return this.#known(unmatched && path.length > 0 ? UNMATCHED : PATH, method, path, origin)
  }

  #known(rule: number, first: Text, second: Text, origin: Origin): Operation {
    const wanted = this.#key
    wanted.start(rule)
    wanted.add(origin.service)
    wanted.add(first)
    // All paths that nothing matched are one operation.
    if (rule !== UNMATCHED) wanted.add(second)
    const { bytes, view, length } = wanted
    return (
      this.#memo.get(bytes, view, 0, length) ??
      this.#memo.add(bytes, view, 0, length, this.#make(rule, first.clipped(), second.clipped(), origin.serviceName))
    )
  }

  #make(rule: number, first: string, second: string, service: string): Operation {
    const guessed = rule === PATH || rule === UNMATCHED
    const found = guessed
      ? this.#guesses.name(service, first, '', second, rule === UNMATCHED)
      : nameOf(rule, first, second)
    const stored = found === OTHER || found === '' ? found : this.#names.bound('operation', service, found)
    const name = new Text()
    name.set(stored)
    return { name, guessed, overflowed: stored === OTHER, serial: 0, place: 0 }
  }
}

function nameOf(rule: number, first: string, second: string): string {
  if (rule === NAMED) return first
  if (rule === GRAPHQL) return `${first} ${second}`.trim()
  if (rule === ROUTE) return `${first} ${second}`
  return second !== '' && !first.includes('/') ? `${second}/${first}` : first
}
