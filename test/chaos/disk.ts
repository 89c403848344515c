import { mkdirSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { output, pause } from './program.ts'

/** Room for a long run's data, in memory. */
const SIZE = '1g'

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

  /** Takes all free space, and what becomes free, until `empty`. */
  async fill(): Promise<void> {
    this.#full = true
    await this.#take()
    this.#filling = this.#fillOn()
  }

  async empty(): Promise<void> {
    this.#full = false
    await this.#filling
    while (this.#ballast > 0) rmSync(join(this.folder, `ballast-${--this.#ballast}`), { force: true })
  }

  async #fillOn(): Promise<void> {
    while (this.#full) {
      await pause(50)
      await this.#take()
    }
  }

  async #take(): Promise<void> {
    const { bavail, bsize } = statfsSync(this.folder)
    // What somebody else takes in this moment is as good.
    const ballast = join(this.folder, `ballast-${this.#ballast++}`)
    if (bavail > 0) await output('fallocate', ['-l', String(bavail * bsize), ballast]).catch(() => {})
  }

  unmount(): Promise<unknown> {
    return output('umount', ['--lazy', this.folder])
  }
}
