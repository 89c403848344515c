import { limits } from '../../limits.ts'
import { KEPT, KEPT_UNLESS_OUT, key } from './keys.ts'
import type { MapColumn } from './map.ts'
import { INT, type Slots } from './slots.ts'
import type { StringColumn } from './string.ts'
import { Text } from './text.ts'

const FULL_URL = key['url.full']

/** Writes the attributes that have no column into a map. */
export class Kept {
  readonly #slots: Slots
  readonly #text = new Text()

  constructor(slots: Slots) {
    this.#slots = slots
  }

  /** @param out of an outgoing call, whose peer has columns */
  write(to: MapColumn<StringColumn>, out: boolean): void {
    const slots = this.#slots
    const text = this.#text
    let number = 0
    for (let i = 0; i < slots.keptCount && number < limits.attributesPerCall; i++) {
      const attribute = slots.kept[i]!
      if ((slots.keys.uses[attribute]! & (out ? KEPT : KEPT | KEPT_UNLESS_OUT)) === 0) continue
      number++
      const name = slots.keys.stored[attribute]!
      to.keys.pushIndex(to.keys.indexOf(name, slots.keys.views[attribute]!, 0, name.length))
      const kind = slots.kindOf(attribute)
      if (kind === INT && Number.isSafeInteger(slots.numberOf(attribute)))
        to.values.pushInteger(slots.numberOf(attribute))
      else {
        slots.text(attribute, text)
        if (attribute === FULL_URL) text.set(withoutQuery(withoutUser(text.clipped())))
        to.values.push(text)
      }
    }
    to.end()
  }
}

/** The query of a URL is where keys and tokens stand. */
export function withoutQuery(url: string): string {
  const end = url.search(/[?#]/)
  return end === -1 ? url : url.slice(0, end)
}

function withoutUser(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1')
}
