import { limits } from '../../limits.ts'
import type { Counting } from './counts.ts'

/** What stands for all names beyond a bound. */
export const OTHER = '_OTHER'

interface Service {
  operation: Set<number>
  consumer: Set<number>
  told: { operation: boolean; consumer: boolean }
}

/**
 * Bounds how many operations and consumers one service can have on one day (UTC): roll-ups, and everything that groups
 * by them, grow with these names. Names are remembered as hashes: two that fall together only leave one uncounted.
 */
export class Names {
  readonly #counting: Counting
  readonly #services = new Map<string, Service>()
  #known = 0
  #day = 0

  constructor(counting: Counting) {
    this.#counting = counting
  }

  /** @returns true when a new day has begun, and with it the counting */
  begin(now: number): boolean {
    const day = Math.floor(now / 86_400_000)
    if (day === this.#day) return false
    this.#day = day
    this.#clear()
    return true
  }

  /** @returns the name, or `_OTHER` when its service has too many already */
  bound(what: 'operation' | 'consumer', service: string, name: string): string {
    const found = this.#service(service)
    const set = found[what]
    const hash = hashOf(name)
    if (set.has(hash)) return name
    if (set.size < limits[what === 'operation' ? 'operationsPerService' : 'consumersPerService']) {
      if (this.#known >= limits.namesKnown) {
        this.#clear()
        return this.bound(what, service, name)
      }
      this.#known++
      set.add(hash)
      return name
    }
    if (!found.told[what] && this.#counting.toldOf < limits.overflowsTold) {
      found.told[what] = true
      this.#counting.told({ service, what })
    }
    return OTHER
  }

  #service(name: string): Service {
    let service = this.#services.get(name)
    if (service === undefined) {
      if (this.#services.size >= limits.sendersKnown) this.#clear()
      service = { operation: new Set(), consumer: new Set(), told: { operation: false, consumer: false } }
      this.#services.set(name, service)
    }
    return service
  }

  #clear(): void {
    this.#services.clear()
    this.#known = 0
  }
}

/** 52 bits of two FNV-1a hashes. Source: Fowler, Noll, Vo. */
function hashOf(text: string): number {
  let a = 0x811c9dc5
  let b = 0x01000193
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    a = Math.imul(a ^ unit, 0x01000193)
    b = Math.imul(b ^ unit, 0x85ebca6b) ^ (b >>> 15)
  }
  return (a >>> 6) * 0x4000000 + (b >>> 6)
}
