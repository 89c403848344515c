import { limits } from '../../limits.ts'

/** What a service calls the first message of each group that is not over; the longest unused are forgotten. */
export class Threads {
  readonly #messages = new Map<string, string>()

  get(groupKey: string): string | undefined {
    return this.#messages.get(groupKey)
  }

  set(groupKey: string, message: string): void {
    this.#messages.delete(groupKey)
    this.#messages.set(groupKey, message)
    if (this.#messages.size > limits.noticeThreads) this.#messages.delete(this.#messages.keys().next().value!)
  }

  delete(groupKey: string): void {
    this.#messages.delete(groupKey)
  }
}
