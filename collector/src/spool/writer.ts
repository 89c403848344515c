import * as fs from 'node:fs'
import { join } from 'node:path'
import { limits } from '../limits.ts'
import type { Block } from './block.ts'
import { frameOf, segmentId } from './segment.ts'

/** The spool cannot be written. Nothing was taken, and the sender should come again. */
export class Unwritable extends Error {
  override name = 'Unwritable'
}

/** A segment, as one that has not read it knows it. */
export interface Summary {
  id: string
  bytes: number
  rows: number
  /** When its first frame was written, in milliseconds since 1970. */
  at: number
}

/** The part of node:fs that is used here; a test gives one whose disk is full. */
export type Disk = Pick<
  typeof fs,
  'openSync' | 'closeSync' | 'writeSync' | 'fdatasyncSync' | 'fsyncSync' | 'ftruncateSync' | 'renameSync' | 'unlinkSync'
>

interface Open extends Summary {
  fd: number
  path: string
}

/**
 * Appends frames to the open segment of one thread, each durable when `append` returns. All calls are synchronous: they
 * happen on a thread of their own, where requests that come meanwhile queue up and share the next frame, and where they
 * do not wait for libuv's threads, which the engine's statements keep busy.
 */
export class SegmentWriter {
  readonly #folder: string
  /** Of the thread: tells whose file an open segment is. */
  readonly #owner: string
  readonly #disk: Disk
  #open: Open | undefined
  /** Some bytes of a frame may be on the disk whose senders were told to come again. */
  #torn = false

  constructor(folder: string, owner: string, disk: Disk = fs) {
    this.#folder = folder
    this.#owner = owner
    this.#disk = disk
  }

  get open(): Summary | undefined {
    return this.#open && summaryOf(this.#open)
  }

  get full(): boolean {
    const open = this.#open
    return open !== undefined && (open.rows >= limits.segmentRows || open.bytes >= limits.segmentBytes)
  }

  /** @throws Unwritable when the frame is not durable; then it is not in the segment either, now or after a restart */
  append(keys: string[], blocks: readonly Block[], now = Date.now()): Summary {
    try {
      if (this.#torn) throw new Error('what a failed write left behind cannot be cut off yet')
      this.#open ??= this.#begin(now)
      const open = this.#open
      let end = open.bytes
      for (const bytes of frameOf(now, keys, blocks)) end = this.#write(open.fd, bytes, end)
      this.#disk.fdatasyncSync(open.fd)
      open.bytes = end
      open.rows += blocks.reduce((sum, { rows }) => sum + rows, 0)
      return summaryOf(open)
    } catch (error) {
      this.#torn = true
      throw new Unwritable(`the spool cannot be written: ${(error as Error).message}`)
    }
  }

  /**
   * Ends the open segment: from now on it can be inserted, and is never written again. What a failed write left behind is
   * cut off first; a later frame behind it would not be found again, so nothing is taken before that worked. And a
   * segment that failed gets no more frames: a disk that could not sync a file once tells nothing about what it has of it.
   *
   * @returns what was closed; undefined when there was nothing
   * @throws ErrnoException when it stays open for now
   */
  close(): Summary | undefined {
    const open = this.#open
    if (open !== undefined) {
      if (this.#torn) {
        this.#disk.ftruncateSync(open.fd, open.bytes)
        this.#disk.fsyncSync(open.fd)
      }
      try {
        if (open.bytes > 0) this.#disk.renameSync(open.path, join(this.#folder, `${open.id}.segment`))
        else this.#disk.unlinkSync(open.path)
      } catch (error) {
        // Somebody deleted it: trying again would not bring it back.
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') this.#open = undefined
        throw error
      }
      this.#open = undefined
      this.#disk.closeSync(open.fd)
    }
    this.#torn = false
    return open && open.bytes > 0 ? summaryOf(open) : undefined
  }

  /** Writes something and takes it away again. @throws ErrnoException when the disk does not take it */
  probe(): void {
    const path = join(this.#folder, `${segmentId()}.probe`)
    const fd = this.#disk.openSync(path, 'wx')
    try {
      this.#write(fd, Buffer.alloc(limits.probeBytes, 1), 0)
      this.#disk.fdatasyncSync(fd)
    } finally {
      this.#disk.closeSync(fd)
      this.#disk.unlinkSync(path)
    }
  }

  #begin(now: number): Open {
    const id = segmentId(now)
    const path = join(this.#folder, `${id}.open-${this.#owner}`)
    const fd = this.#disk.openSync(path, 'wx')
    try {
      // The name is durable with its folder.
      const folder = this.#disk.openSync(this.#folder, 'r')
      try {
        this.#disk.fsyncSync(folder)
      } finally {
        this.#disk.closeSync(folder)
      }
    } catch (error) {
      this.#disk.closeSync(fd)
      throw error
    }
    return { id, path, fd, bytes: 0, rows: 0, at: now }
  }

  #write(fd: number, bytes: Buffer, position: number): number {
    let done = 0
    while (done < bytes.length) done += this.#disk.writeSync(fd, bytes, done, bytes.length - done, position + done)
    return position + done
  }
}

function summaryOf({ id, bytes, rows, at }: Open): Summary {
  return { id, bytes, rows, at }
}
