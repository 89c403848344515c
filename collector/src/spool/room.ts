import { statfsSync } from 'node:fs'
import type { Logger } from 'pino'
import { limits } from '../limits.ts'
import type { Store } from '../store/store.ts'

interface Options {
  /** Of the spool and of the embedded engine's data. */
  folder: string
  store: Pick<Store, 'merge'>
  log: Logger
  /** Bytes that may still be written to the folder's disk; a test gives its own. */
  free?: (folder: string) => number
}

/**
 * Keeps an embedded engine away from the last bytes of its disk. ClickHouse reserves room for a part and not for what else
 * fills the disk: on a full one its writes of small files fail unnoticed, and the part is broken at the next start although
 * the insert was answered. So below a low-water mark nothing is taken and nothing merged.
 */
export class Room {
  readonly #options: Required<Options>
  readonly #timer: NodeJS.Timeout
  #low = false
  /** Merges as the engine was told; undefined while it did not answer. */
  #merging: boolean | undefined = true

  constructor(options: Options) {
    this.#options = { free: freeBytes, ...options }
    this.#look()
    this.#timer = setInterval(() => this.#look(), limits.diskPollMs)
    this.#timer.unref()
  }

  /** Why nothing may be taken now; undefined when there is room. */
  get low(): string | undefined {
    if (!this.#low) return undefined
    return `less than ${limits.diskLowBytes / 1024 ** 2} MiB are free on the disk of ${this.#options.folder}: make room`
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    const { folder, free, log } = this.#options
    const bytes = free(folder)
    const low = bytes < (this.#low ? limits.diskEnoughBytes : limits.diskLowBytes)
    if (low !== this.#low) {
      this.#low = low
      if (low) log.error({ free: bytes }, `requests are sent away with 503: ${this.low}`)
      else log.info({ free: bytes }, 'there is room on the disk again')
    }
    if (this.#merging !== undefined && this.#merging === low) this.#tell(!low)
  }

  #tell(merging: boolean): void {
    const { store, log } = this.#options
    const before = this.#merging
    this.#merging = undefined
    store.merge(merging).then(
      () => {
        this.#merging = merging
      },
      (error: Error) => {
        // The next look tries again.
        this.#merging = before
        log.warn({ error: error.message }, 'ClickHouse was not told of the disk')
      },
    )
  }
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}
