/** A service with more operations or consumers than are kept. */
export interface Overflow {
  service: string
  what: 'operation' | 'consumer'
}

/** Numbers by cause since they were asked for last. They travel between threads, so they are plain. */
export interface Counts {
  rejected: Record<string, number>
  withheld: Record<string, number>
  overflowed: Record<string, number>
  /** Each once a day. */
  overflows: Overflow[]
}

export class Counting {
  #counts: Counts = none()

  rejected(cause: string, number = 1): void {
    add(this.#counts.rejected, cause, number)
  }

  withheld(what: 'header' | 'query' | 'body' | 'bytes'): void {
    add(this.#counts.withheld, what, 1)
  }

  overflowed(what: Overflow['what']): void {
    add(this.#counts.overflowed, what, 1)
  }

  told(overflow: Overflow): void {
    this.#counts.overflows.push(overflow)
  }

  get toldOf(): number {
    return this.#counts.overflows.length
  }

  take(): Counts {
    const counts = this.#counts
    this.#counts = none()
    return counts
  }
}

function none(): Counts {
  return { rejected: {}, withheld: {}, overflowed: {}, overflows: [] }
}

function add(to: Record<string, number>, key: string, number: number): void {
  to[key] = (to[key] ?? 0) + number
}
