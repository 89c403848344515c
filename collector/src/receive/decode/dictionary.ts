import { limits } from '../../limits.ts'
import { ByteSet } from './byteset.ts'
import type { Column, Output } from './column.ts'
import { cleaned, plain, type Text, viewOf } from './text.ts'

/** Version of the format: a dictionary for each block. */
export const FORMAT = 1
/** The dictionary is in the block, and new for each. */
const ADDITIONAL_KEYS = 0x200
const NEW_DICTIONARY = 0x400

/** LowCardinality(String): each different text once, and a number for each row. */
export class DictionaryColumn implements Column {
  readonly type = 'LowCardinality(String)'
  readonly #keys = new ByteSet()
  #indexes = new Uint32Array(1024)
  count = 0
  /** Another one whenever indexes of before mean nothing any more. */
  serial = 1
  #marked = 0
  #markedKeys = 0

  get size(): number {
    return 8 + this.dataSize
  }

  get dataSize(): number {
    return this.count === 0 ? 0 : 24 + this.#keys.length + this.count * this.#width
  }

  get #width(): 1 | 2 | 4 {
    return this.#keys.count <= 0x100 ? 1 : this.#keys.count <= 0x10000 ? 2 : 4
  }

  push(text: Text): void {
    this.pushIndex(this.indexOf(text.bytes, text.view, text.start, text.end))
  }

  /** The number of a text in the dictionary of this block. */
  placeOf({ bytes, view, start, end }: Text): number {
    return this.indexOf(bytes, view, start, end)
  }

  pushIndex(index: number): void {
    if (this.count === this.#indexes.length) {
      const larger = new Uint32Array(this.#indexes.length * 2)
      larger.set(this.#indexes)
      this.#indexes = larger
    }
    this.#indexes[this.count++] = index
  }

  /** The number of a text in the dictionary of this block, where it is put when it is new. */
  indexOf(bytes: Uint8Array, view: DataView, start: number, end: number): number {
    const found = this.#keys.find(bytes, view, start, end)
    if (found !== -1) return found
    if (end - start <= limits.textChars && (this.#keys.seen & 0x80808080) === 0) {
      return this.#keys.add(bytes, view, start, end)
    }
    const bounded = cleaned(bytes, start, end)
    if (bounded === undefined) return this.#keys.add(bytes, view, start, end)
    const clean = plain(bounded)
    const cleanView = viewOf(clean)
    const known = this.#keys.find(clean, cleanView, 0, clean.length)
    return known === -1 ? this.#keys.add(clean, cleanView, 0, clean.length) : known
  }

  mark(): void {
    this.#marked = this.count
    this.#markedKeys = this.#keys.count
  }

  rollback(): void {
    this.count = this.#marked
    this.#keys.truncate(this.#markedKeys)
    this.serial++
  }

  clear(): void {
    this.count = 0
    this.#keys.truncate(0)
    this.serial++
  }

  write(to: Output): void {
    to.uint64(FORMAT)
    this.writeData(to)
  }

  /** Without the version of the format, which stands ahead of the lengths when this is part of a map or a list. */
  writeData(to: Output): void {
    if (this.count === 0) return
    const width = this.#width
    to.uint64((width === 1 ? 0 : width === 2 ? 1 : 2) | ADDITIONAL_KEYS | NEW_DICTIONARY)
    to.uint64(this.#keys.count)
    to.raw(this.#keys.bytes, this.#keys.length)
    to.uint64(this.count)
    const indexes = this.#indexes
    if (width === 1) for (let i = 0; i < this.count; i++) to.bytes[to.at + i] = indexes[i]!
    else if (width === 2) for (let i = 0; i < this.count; i++) to.view.setUint16(to.at + i * 2, indexes[i]!, true)
    else for (let i = 0; i < this.count; i++) to.view.setUint32(to.at + i * 4, indexes[i]!, true)
    to.at += this.count * width
  }
}
