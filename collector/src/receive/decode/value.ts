import { limits } from '../../limits.ts'
import { emptyAttributes, type Value } from '../otlp.ts'
import { fields, type Reader } from './reader.ts'
import { decode } from './text.ts'

/*
 * Attribute values as JavaScript values: for lists, maps and everything else that is rare. What is frequent is read
 * where it lies, see slots.ts.
 */

const anyFields = fields(1, 2, 3, 4, 5, 6, 7)
const pairFields = fields(1, 2)
const itemFields = fields(1)

/** Items that may still be read of the value at hand. */
let room = 0

/** Reads an AnyValue to its end, as far as limits.valueItems. @param depth lists and maps around it */
export function readValue(reader: Reader, end: number, depth = 0): Value {
  room = limits.valueItems
  return readAny(reader, end, depth)
}

/** The same of what lies in an ArrayValue or, when `map`, in a KeyValueList. */
export function readNested(reader: Reader, end: number, map: boolean): Value {
  room = limits.valueItems
  return map ? readMap(reader, end, 0) : readList(reader, end, 0)
}

function readAny(reader: Reader, end: number, depth: number): Value {
  if (depth > limits.valueDepth) throw reader.fault(`values are nested deeper than ${limits.valueDepth}`)
  let value: Value = null
  while (reader.at < end) {
    const tag = reader.tag(end)
    if (tag === 0x0a) value = readText(reader, end)
    else if (tag === 0x10) value = reader.number(end) !== 0
    else if (tag === 0x18) {
      const number = reader.int64(end)
      value = reader.long ?? number
    } else if (tag === 0x21) value = reader.double(end)
    else if (tag === 0x2a) value = readList(reader, reader.length(end), depth)
    else if (tag === 0x32) value = readMap(reader, reader.length(end), depth)
    else if (tag === 0x3a) {
      const last = reader.length(end)
      const bytes = Buffer.from(reader.bytes.subarray(reader.at, last))
      value = depth === 0 ? bytes : bytes.toString('base64')
      reader.at = last
    } else reader.skip(tag, end, anyFields)
  }
  return value
}

function readList(reader: Reader, end: number, depth: number): Value[] {
  const values: Value[] = []
  while (reader.at < end) {
    const tag = reader.tag(end)
    if (tag === 0x0a && --room >= 0) values.push(readAny(reader, reader.length(end), depth + 1))
    else if (tag === 0x0a) checkValue(reader, reader.length(end), depth + 1)
    else reader.skip(tag, end, itemFields)
  }
  return values
}

function readMap(reader: Reader, end: number, depth: number): Value {
  const map = emptyAttributes()
  while (reader.at < end) {
    const tag = reader.tag(end)
    if (tag !== 0x0a) {
      reader.skip(tag, end, itemFields)
      continue
    }
    const last = reader.length(end)
    if (--room < 0) {
      checkPair(reader, last, depth)
      continue
    }
    let key = ''
    let value: Value = null
    while (reader.at < last) {
      const part = reader.tag(last)
      if (part === 0x0a) key = readText(reader, last)
      else if (part === 0x12) value = readAny(reader, reader.length(last), depth + 1)
      else reader.skip(part, last, pairFields)
    }
    map[key] = value
  }
  return map
}

export function readText(reader: Reader, end: number): string {
  const start = reader.at
  const last = reader.length(end)
  const from = reader.at
  reader.at = last
  return start === last ? '' : decode(reader.bytes, from, last)
}

/**
 * Checks a list or a map without keeping anything of it, so that what is read of it later cannot fail.
 *
 * @param map a KeyValueList, else an ArrayValue
 */
export function checkNested(reader: Reader, end: number, map: boolean, depth: number): void {
  while (reader.at < end) {
    const tag = reader.tag(end)
    if (tag !== 0x0a) {
      reader.skip(tag, end, itemFields)
      continue
    }
    const last = reader.length(end)
    if (!map) checkValue(reader, last, depth + 1)
    else checkPair(reader, last, depth)
  }
}

function checkPair(reader: Reader, end: number, depth: number): void {
  while (reader.at < end) {
    const tag = reader.tag(end)
    if (tag === 0x12) checkValue(reader, reader.length(end), depth + 1)
    else if (tag === 0x0a) reader.at = reader.length(end)
    else reader.skip(tag, end, pairFields)
  }
}

function checkValue(reader: Reader, end: number, depth: number): void {
  if (depth > limits.valueDepth) throw reader.fault(`values are nested deeper than ${limits.valueDepth}`)
  while (reader.at < end) {
    const tag = reader.tag(end)
    if (tag === 0x2a) checkNested(reader, reader.length(end), false, depth)
    else if (tag === 0x32) checkNested(reader, reader.length(end), true, depth)
    else if (tag === 0x0a || tag === 0x3a) reader.at = reader.length(end)
    else if (tag === 0x10 || tag === 0x18) reader.number(end)
    else if (tag === 0x21) reader.double(end)
    else reader.skip(tag, end, anyFields)
  }
}
