import { type Column, FixedColumn, type Output } from './column.ts'
import { DictionaryColumn, FORMAT } from './dictionary.ts'
import type { StringColumn } from './string.ts'

/** A map from LowCardinality(String): offsets, keys, values. Fill `keys` and `values`, then `end` the row. */
export class MapColumn<V extends FixedColumn | StringColumn | ListColumn> implements Column {
  readonly type: string
  readonly keys = new DictionaryColumn()
  readonly values: V
  readonly #ends = new FixedColumn('UInt64', 8)

  constructor(values: V) {
    this.values = values
    this.type = `Map(LowCardinality(String), ${values.type})`
  }

  get size(): number {
    return 8 + this.#ends.size + this.keys.dataSize + this.values.size
  }

  /** Ends the map of one row. */
  end(): void {
    this.#ends.uint64(this.keys.count)
  }

  mark(): void {
    this.#ends.mark()
    this.keys.mark()
    this.values.mark()
  }

  rollback(): void {
    this.#ends.rollback()
    this.keys.rollback()
    this.values.rollback()
  }

  clear(): void {
    this.#ends.clear()
    this.keys.clear()
    this.values.clear()
  }

  write(to: Output): void {
    to.uint64(FORMAT)
    this.#ends.write(to)
    this.keys.writeData(to)
    this.values.write(to)
  }
}

/** Lists of texts: Array(String). Fill `values`, saying how many with `end`. */
export class ListColumn implements Column {
  readonly type: string
  readonly values: StringColumn
  readonly #ends = new FixedColumn('UInt64', 8)
  #count = 0
  #marked = 0

  constructor(values: StringColumn) {
    this.values = values
    this.type = `Array(${values.type})`
  }

  get size(): number {
    return this.#ends.size + this.values.size
  }

  end(added: number): void {
    this.#count += added
    this.#ends.uint64(this.#count)
  }

  mark(): void {
    this.#marked = this.#count
    this.#ends.mark()
    this.values.mark()
  }

  rollback(): void {
    this.#count = this.#marked
    this.#ends.rollback()
    this.values.rollback()
  }

  clear(): void {
    this.#count = 0
    this.#ends.clear()
    this.values.clear()
  }

  write(to: Output): void {
    this.#ends.write(to)
    this.values.write(to)
  }
}

/** Lists of names: Array(LowCardinality(String)). */
export class NamesColumn implements Column {
  readonly type = 'Array(LowCardinality(String))'
  readonly values = new DictionaryColumn()
  readonly #ends = new FixedColumn('UInt64', 8)

  get size(): number {
    return 8 + this.#ends.size + this.values.dataSize
  }

  end(): void {
    this.#ends.uint64(this.values.count)
  }

  mark(): void {
    this.#ends.mark()
    this.values.mark()
  }

  rollback(): void {
    this.#ends.rollback()
    this.values.rollback()
  }

  clear(): void {
    this.#ends.clear()
    this.values.clear()
  }

  write(to: Output): void {
    to.uint64(FORMAT)
    this.#ends.write(to)
    this.values.writeData(to)
  }
}
