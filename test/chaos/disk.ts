import { mkdirSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { output, pause } from './program.ts'

/** Room for a long run's data, in memory. */
const SIZE = '1g'
/** The last bytes of a disk go at the speed at which somebody writes them: this much every STEP_MS. */
const SLOW_BYTES = 256 * 1024 * 1024
const STEP_BYTES = 8 * 1024 * 1024
const STEP_MS = 20

/** A small file system of its own, that can be filled to the last byte. */
export class Disk {
  readonly folder: string
  #ballast = 0
  #full = false
  #filling: Promise<void> | undefined

  private constructor(folder: string) {
    this.folder = folder
  }

  /** Undefined where mounting is not allowed. */
  static async mount(folder: string): Promise<Disk | undefined> {
    mkdirSync(folder)
    try {
      await output('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'callsight-chaos', folder])
      return new Disk(folder)
    } catch {
      return undefined
    }
  }

  /** Takes all free space, the last of it at the speed of a disk, and what becomes free, until `empty`. */
  async fill(): Promise<void> {
    this.#full = true
    const steps = SLOW_BYTES / STEP_BYTES
    for (let step = 0; step < steps; step++) {
      await this.#take(SLOW_BYTES - step * STEP_BYTES)
      await pause(STEP_MS)
    }
    this.#filling = this.#fillOn()
  }

  async empty(): Promise<void> {
    this.#full = false
    await this.#filling
    while (this.#ballast > 0) rmSync(join(this.folder, `ballast-${--this.#ballast}`), { force: true })
  }

  async #fillOn(): Promise<void> {
    while (this.#full) {
      await this.#take(0)
      await pause(STEP_MS)
    }
  }

  async #take(leave: number): Promise<void> {
    const { bavail, bsize } = statfsSync(this.folder)
    const bytes = bavail * bsize - leave
    const ballast = join(this.folder, `ballast-${this.#ballast++}`)
    // What somebody else takes in this moment is as good.
    if (bytes > 0) await output('fallocate', ['-l', String(bytes), ballast]).catch(() => {})
  }

  unmount(): Promise<unknown> {
    return output('umount', ['--lazy', this.folder])
  }
}
