/**
 * Shows how far a long work is: a bar that redraws itself in a terminal, a line each tenth elsewhere.
 *
 * @param out usually standard error, so that standard output can be piped
 */
export class ProgressBar {
  readonly #out: NodeJS.WriteStream
  readonly #what: string
  #said = -1

  constructor(what: string, out: NodeJS.WriteStream = process.stderr) {
    this.#what = what
    this.#out = out
  }

  /** @param note what is worked on just now */
  show(done: number, of: number, note = ''): void {
    const share = of === 0 ? 1 : Math.min(1, done / of)
    const percent = Math.floor(share * 100)
    if (this.#out.isTTY) {
      const filled = Math.round(share * WIDTH)
      const bar = '█'.repeat(filled) + '░'.repeat(WIDTH - filled)
      this.#out.write(
        `\r\x1b[K${this.#what} ${bar} ${String(percent).padStart(3)} % ${number(done)} of ${number(of)} ${note}`,
      )
      return
    }
    const tenth = Math.floor(percent / 10)
    if (tenth === this.#said) return
    this.#said = tenth
    this.#out.write(`${this.#what} ${percent} %, ${number(done)} of ${number(of)} ${note}`.trimEnd().concat('\n'))
  }

  /** Leaves the line to what follows. */
  end(): void {
    if (this.#out.isTTY) this.#out.write('\n')
  }
}

const WIDTH = 30

function number(value: number): string {
  return value.toLocaleString('en')
}
