import { file, freePort, output, Program, pause } from './program.ts'

/** Longest that a start may take, with all that an earlier run has left. */
const START_MS = 60_000

/** The collector under test: one folder and the same ports over all its lives. */
export class Collector {
  readonly data: string
  readonly otlp: number
  readonly web: number
  /** Port of OTLP over gRPC, undefined when this build has none. */
  readonly grpc: number | undefined
  /** Milliseconds from the call of the program to its "ready", for each life. */
  readonly starts: number[] = []
  kills = 0
  /** Starts that ended by themselves, as on a full disk. */
  failedStarts = 0
  /** Requests recognised as sent before: at least, for what is counted within a second of a kill is not seen. */
  resent = 0
  #resentNow = 0
  readonly #log: string
  #program: Program | undefined

  private constructor(data: string, log: string, otlp: number, web: number, grpc: number | undefined) {
    this.data = data
    this.#log = log
    this.otlp = otlp
    this.web = web
    this.grpc = grpc
  }

  /** @param log file of what it says in all its lives */
  static async on(data: string, log: string): Promise<Collector> {
    const help = await output(process.execPath, [program, 'up', '--help'])
    const grpc = help.includes('--otlp-grpc') ? await freePort() : undefined
    return new Collector(data, log, await freePort(), await freePort(), grpc)
  }

  spawn(): Program {
    const ports = [`--otlp=127.0.0.1:${this.otlp}`, `--web=127.0.0.1:${this.web}`]
    if (this.grpc !== undefined) ports.push(`--otlp-grpc=127.0.0.1:${this.grpc}`)
    this.#program = new Program([program, 'up', '--data', this.data, '--log-level=warn', ...ports], {}, this.#log)
    return this.#program
  }

  /** Starts it, and again when it ends by itself. @throws Error when it does not start in START_MS */
  async start(): Promise<void> {
    const deadline = performance.now() + START_MS
    for (;;) {
      const begun = performance.now()
      const running = this.spawn()
      while (running.running && performance.now() < deadline) {
        if (this.ready) {
          this.starts.push(performance.now() - begun)
          return
        }
        await pause(10)
      }
      await running.end('SIGKILL')
      this.failedStarts++
      if (performance.now() > deadline) throw new Error(`the collector does not start: ${running.output.slice(-2000)}`)
      await pause(200)
    }
  }

  async kill(): Promise<void> {
    this.kills++
    await this.#program!.end('SIGKILL')
    this.resent += this.#resentNow
    this.#resentNow = 0
  }

  signal(signal: NodeJS.Signals): void {
    this.#program!.child.kill(signal)
  }

  /** Stops it as an operator does. */
  async stop(): Promise<void> {
    await this.scrape()
    await this.#program!.end('SIGTERM')
    this.resent += this.#resentNow
  }

  get running(): boolean {
    return this.#program?.running === true
  }

  get ready(): boolean {
    return /^ready /m.test(this.#program?.output ?? '')
  }

  /** What this life has stored, and what still waits for the engine, in rows or segments; undefined when it does not say. */
  async scrape(): Promise<{ stored: number; waiting: number } | undefined> {
    try {
      const response = await fetch(`http://127.0.0.1:${this.web}/metrics`, { signal: AbortSignal.timeout(800) })
      const text = await response.text()
      const sum = (name: string) =>
        [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))].reduce((n, [, v]) => n + Number(v), 0)
      this.#resentNow = sum('callsight_otlp_requests_resent_total')
      const waiting = sum('callsight_queued_rows') + sum('callsight_spool_segments')
      return { stored: sum('callsight_stored_rows_total'), waiting }
    } catch {
      return undefined
    }
  }
}

const program = file('../../collector/bin/callsight.js')
