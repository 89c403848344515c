/**
 * The agent's own messages, on standard error. A library in someone else's process is quiet: each matter is said once.
 */
export const LEVELS = ['none', 'error', 'warn', 'info', 'debug'] as const
export type Level = (typeof LEVELS)[number]

export class Log {
  readonly #threshold: number
  readonly #said = new Set<string>()

  constructor(level: Level) {
    this.#threshold = LEVELS.indexOf(level)
  }

  /** Says `text` unless this `matter` was spoken of before. */
  once(level: Level, matter: string, text: string): void {
    if (this.#said.has(matter)) return
    this.#said.add(matter)
    this.say(level, text)
  }

  say(level: Level, text: string): void {
    if (LEVELS.indexOf(level) > this.#threshold) return
    try {
      process.stderr.write(`[callsight] ${text}\n`)
    } catch {
      // Standard error is closed: there is nobody left to tell.
    }
  }
}
