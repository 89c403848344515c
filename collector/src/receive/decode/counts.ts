/** Numbers by cause since they were asked for last. They travel between threads, so they are plain. */
export interface Counts {
  rejected: Record<string, number>
  withheld: Record<string, number>
  overflowed: Record<string, number>
  /** Services with more operations or consumers than are kept, each once a day. */
  overflows: { service: string; what: 'operation' | 'consumer' }[]
}

export class Counting {
  #counts: Counts = none()
  #any = false

  rejected(cause: string, number = 1): void {
    this.#add('rejected', cause, number)
  }

  withheld(what: 'header' | 'query' | 'body' | 'bytes'): void {
    this.#add('withheld', what, 1)
  }

  overflowed(what: 'operation' | 'consumer' | 'upstream'): void {
    this.#add('overflowed', what, 1)
  }

  told(overflow: Counts['overflows'][number]): void {
    this.#counts.overflows.push(overflow)
    this.#any = true
  }

  get toldOf(): number {
    return this.#counts.overflows.length
  }

  /** Undefined when there is nothing to tell. */
  take(): Counts | undefined {
    if (!this.#any) return undefined
    const counts = this.#counts
    this.#counts = none()
    this.#any = false
    return counts
  }

  #add(kind: 'rejected' | 'withheld' | 'overflowed', cause: string, number: number): void {
    const to = this.#counts[kind]
    to[cause] = (to[cause] ?? 0) + number
    this.#any = true
  }
}

function none(): Counts {
  return { rejected: {}, withheld: {}, overflowed: {}, overflows: [] }
}
