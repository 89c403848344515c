import type { Consumer } from '../../config/config.ts'
import { limits } from '../../limits.ts'
import type { Consumers } from '../consumer.ts'
import type { Counting } from './counts.ts'
import { Memo, MemoKey } from './memo.ts'
import { type Names, OTHER } from './names.ts'
import type { Origin } from './origin.ts'
import type { Tables } from './tables.ts'
import { Text } from './text.ts'

/** The consumer of a call, as it is stored. */
interface Caller {
  id: Text
  plan: Text
  overflowed: boolean
  /** What was told of it last, by id: told again when it changes. */
  told: { last: Caller | undefined }
  /** Name and plan as sent, when there is news in them. */
  news: { id: string; name: string; plan: string } | undefined
}

/** Turns what a call says of its caller into a consumer; each way of saying it is worked out once. */
export class Callers {
  readonly #consumers: Consumers
  readonly #names: Names
  readonly #counting: Counting
  readonly #memo = new Memo<Caller>()
  readonly #told = new Map<string, Caller['told']>()
  readonly #key = new MemoKey()
  readonly #plan = new Text()

  constructor(consumers: Consumers, names: Names, counting: Counting) {
    this.#consumers = consumers
    this.#names = names
    this.#counting = counting
  }

  configure(consumers: readonly Consumer[]): void {
    this.#consumers.configure(consumers)
    this.clear()
  }

  clear(): void {
    this.#memo.clear()
    this.#told.clear()
  }

  resolve(id: Text, name: Text, plan: Text, origin: Origin): Caller {
    const wanted = this.#key
    wanted.start(origin.id)
    wanted.add(id)
    wanted.add(name)
    wanted.add(plan)
    const { bytes, view, length } = wanted
    const caller =
      this.#memo.get(bytes, view, 0, length) ??
      this.#memo.add(bytes, view, 0, length, this.#make(id.clipped(), name.clipped(), plan.clipped(), origin))
    if (caller.overflowed) this.#counting.overflowed('consumer')
    if (caller.news !== undefined && caller.told.last !== caller) {
      caller.told.last = caller
      this.#consumers.note(caller.news.id, caller.news.name, caller.news.plan)
    }
    return caller
  }

  /** Writes what was learned of names and plans. */
  tell(tables: Tables): void {
    for (const { consumer, name, plan, changedAt } of this.#consumers.takeNews()) {
      const { columns } = tables.consumers
      columns.consumer.pushString(consumer)
      columns.name.pushString(name)
      this.#plan.set(plan)
      columns.plan.push(this.#plan)
      columns.changed_at.uint64(changedAt)
      tables.consumers.rows++
    }
  }

  /** Forgets the news of a request that came to nothing. */
  forget(): void {
    this.#consumers.forgetNews()
    this.clear()
  }

  #make(id: string, name: string, plan: string, origin: Origin): Caller {
    const found = this.#consumers.resolve(id, plan, { service: origin.serviceName, token: origin.token })
    const known = id === '' || found.configured
    const stored = known ? found.id : this.#names.bound('consumer', origin.serviceName, found.id)
    const overflowed = stored === OTHER
    const caller: Caller = {
      id: new Text(),
      plan: new Text(),
      overflowed,
      told: { last: undefined },
      news: known || overflowed || (name === '' && plan === '') ? undefined : { id, name, plan },
    }
    caller.id.set(stored)
    caller.plan.set(found.plan)
    if (caller.news !== undefined) {
      const told = this.#told.get(id) ?? caller.told
      if (this.#told.size >= limits.consumersKnown) this.clear()
      this.#told.set(id, told)
      caller.told = told
    }
    return caller
  }
}
