import type { Collector } from './collector.ts'
import type { Disk } from './disk.ts'
import type { Kind, Step } from './plan.ts'
import { ask, pause } from './program.ts'
import type { Relay } from './relay.ts'

interface Around {
  collector: Collector
  relays: Relay[]
  /** Undefined: faults of the disk are left out. */
  disk: Disk | undefined
  /** The collector takes requests again. */
  started: () => void
}

/** Does to the collector what the plan says. */
export class Faults {
  readonly done: Record<Kind, number> = { kill: 0, cut: 0, freeze: 0, view: 0, disk: 0 }
  /** Failing views beside which the collector took requests. */
  readyBesideView = 0
  readonly #around: Around

  constructor(around: Around) {
    this.#around = around
  }

  async run(step: Step): Promise<void> {
    await pause(step.wait)
    const { collector, relays } = this.#around
    if (step.kind === 'disk' && this.#around.disk === undefined) return
    if (step.kind === 'kill') await this.#kill(step)
    else if (step.kind === 'view') await this.#view(step)
    else if (step.kind === 'disk') await this.#fillDisk(step, this.#around.disk!)
    else if (step.kind === 'cut') for (const relay of relays) relay.cut(step.how, step.hangs)
    else {
      collector.signal('SIGSTOP')
      await pause(step.for)
      collector.signal('SIGCONT')
    }
    this.done[step.kind]++
  }

  async #kill({ moment, after }: Step & { kind: 'kill' }): Promise<void> {
    const { collector } = this.#around
    if (moment === 'stopping') {
      collector.signal('SIGTERM')
      await pause(after)
    }
    await collector.kill()
    if (moment === 'starting') {
      collector.spawn()
      await pause(after)
      await collector.kill()
    }
    await this.#start()
  }

  /** Only one process at a time has the engine, so the view comes and goes while the collector is down. */
  async #view(step: Step & { kind: 'view' }): Promise<void> {
    const { collector } = this.#around
    await collector.kill()
    await ask(
      collector.data,
      'CREATE TABLE chaos_sink (n UInt8) ENGINE = Null',
      `CREATE MATERIALIZED VIEW chaos_feed TO chaos_sink AS SELECT toUInt8(throwIf(1, 'as planned')) AS n FROM ${step.on}`,
    )
    // It is not waited for: a collector may also wait for its engine before it takes requests.
    collector.spawn()
    await pause(step.for)
    if (collector.ready) this.readyBesideView++
    await collector.kill()
    await ask(collector.data, 'DROP TABLE chaos_feed SYNC', 'DROP TABLE chaos_sink SYNC')
    await this.#start()
  }

  async #fillDisk(step: Step & { kind: 'disk' }, disk: Disk): Promise<void> {
    const { collector } = this.#around
    await disk.fill()
    await pause(step.for / 2)
    const started = step.kill ? collector.kill().then(() => this.#start()) : undefined
    await pause(step.for / 2)
    await disk.empty()
    await started
    // A collector that ended by itself is an outage too.
    if (!collector.running) await this.#start()
  }

  async #start(): Promise<void> {
    await this.#around.collector.start()
    this.#around.started()
  }
}
