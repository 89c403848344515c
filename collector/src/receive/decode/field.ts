import type { Reader } from './reader.ts'

/** Where the last field 1 of a message lies, which is the one that counts; both 0 without one. Passes the message. */
export function lastField(reader: Reader, end: number, known: number): [start: number, end: number] {
  let from = 0
  let to = 0
  while (reader.at < end) {
    const tag = reader.tag(end)
    if (tag === 0x0a) {
      to = reader.length(end)
      from = reader.at
      reader.at = to
    } else if ((tag & 7) === 2) reader.at = reader.length(end)
    else reader.skip(tag, end, known)
  }
  return [from, to]
}
