import { limits } from '../../limits.ts'
import { ByteSet } from './byteset.ts'
import { copyBytes, type Text, viewOf } from './text.ts'

/** What a thing is looked up by: numbers and texts, one after the other. */
export class MemoKey {
  bytes = new Uint8Array(1024)
  view = viewOf(this.bytes)
  length = 0

  start(number: number): void {
    this.length = 4
    this.view.setInt32(0, number)
  }

  add({ bytes, view, start, end }: Text): void {
    const length = end - start
    if (this.length + length + 4 > this.bytes.length) this.#grow(length + 4)
    this.view.setInt32(this.length, length)
    copyBytes(this.bytes, this.view, this.length + 4, bytes, view, start, end)
    this.length += length + 4
  }

  #grow(length: number): void {
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + length))
    larger.set(this.bytes.subarray(0, this.length))
    this.bytes = larger
    this.view = viewOf(larger)
  }
}

/** Things worked out once, by bytes. Bounded: when it is full it starts anew. */
export class Memo<T> {
  readonly #set = new ByteSet()
  readonly #values: T[] = []

  get(bytes: Uint8Array, view: DataView, start: number, end: number): T | undefined {
    const index = this.#set.find(bytes, view, start, end)
    return index === -1 ? undefined : this.#values[index]
  }

  /** Keeps what `get` has just not found. */
  add(bytes: Uint8Array, view: DataView, start: number, end: number, value: T): T {
    const full = this.#set.count >= limits.memoEntries || this.#set.length >= limits.memoBytes
    if (full) this.clear()
    this.#values[this.#set.add(bytes, view, start, end)] = value
    return value
  }

  clear(): void {
    this.#set.truncate(0)
    this.#values.length = 0
  }
}
