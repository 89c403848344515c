import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { Consumer } from '../config/config.ts'
import { limits } from '../limits.ts'
import { SegmentWriter, type Summary, Unwritable } from '../spool/writer.ts'
import type { Coding } from './coding.ts'
import type { Counts } from './decode/counts.ts'
import { Decoder, type Result } from './decoder.ts'
import { Undecodable } from './otlp.ts'
import { Refusal } from './refusal.ts'
import type { Signal, Wire } from './reply.ts'
import { unpack } from './unpack.ts'

/** What a thread is started with. */
export interface Setup {
  /** The spool's. */
  folder: string
  /** Tells this thread's files apart. */
  name: string
  consumers: readonly Consumer[]
  keySecret: string | undefined
  pastMs: number
}

/** A request on its way to a thread; the bytes are handed over, not copied. */
export interface Take {
  kind: 'take'
  id: number
  /** Recognises the request when it is sent again. */
  key: string
  signal: Signal
  wire: Wire
  encoding: Coding | undefined
  body: ArrayBuffer
  env: string | undefined
  token: string
}

export type ToThread =
  | Take
  | { kind: 'configure'; consumers: readonly Consumer[]; pastMs: number }
  /** Ends the open segment, so that it can be inserted. */
  | { kind: 'close' }
  /** Answers what was sent before, ends the open segment and the thread. */
  | { kind: 'stop' }

export interface Answer {
  id: number
  result?: Result
  refused?: { status: number; message: string; retryAfter: number | undefined }
  /** Something unforeseen, for the log. */
  failed?: string
}

export type FromThread =
  /** `open` is the segment that is written, `unwritable` why none can be. */
  | { kind: 'answers'; answers: Answer[]; open: Summary | undefined }
  | { kind: 'closed'; closed: Summary | undefined }
  | { kind: 'disk'; unwritable: string | undefined }
  | { kind: 'counts'; counts: Counts }

/**
 * A decode thread: takes requests, unpacks and decodes them, appends their rows to its segment, and answers when they
 * are durable there. Everything that waits for it meanwhile shares the next frame, so one sync serves many requests.
 */
class Thread {
  readonly #port: MessagePort
  readonly #decoder: Decoder
  readonly #writer: SegmentWriter
  /** Requests whose rows are in the decoder, not on the disk yet. */
  #taken: { id: number; key: string; result: Result }[] = []
  #answers: Answer[] = []
  #stopping = false
  #unwritable: string | undefined

  constructor(port: MessagePort, { folder, name, ...options }: Setup) {
    this.#port = port
    this.#decoder = new Decoder(options)
    this.#writer = new SegmentWriter(folder, name)
    port.on('message', (message: ToThread) => this.#work(message))
  }

  /** Takes what is waiting, until it is enough for a frame. */
  #work(first: ToThread): void {
    const began = performance.now()
    for (let message: ToThread | undefined = first; message !== undefined; ) {
      this.#receive(message)
      const { rows, bytes } = this.#decoder
      const late = performance.now() - began > limits.frameMs
      if (late || rows >= limits.frameRows || bytes >= limits.frameBytes) break
      message = receiveMessageOnPort(this.#port)?.message as ToThread | undefined
    }
    this.#commit()
    this.#count()
  }

  #receive(message: ToThread): void {
    if (message.kind === 'take') this.#take(message)
    else {
      this.#commit()
      if (message.kind === 'configure') this.#decoder.configure(message.consumers, message.pastMs)
      else this.#close()
      this.#stopping ||= message.kind === 'stop'
    }
  }

  #take({ id, key, signal, wire, encoding, body, env, token }: Take): void {
    try {
      const bytes = unpack(encoding, Buffer.from(body))
      this.#taken.push({ id, key, result: this.#decoder.take(signal, wire, bytes, { env, token }) })
    } catch (error) {
      this.#answers.push(answerTo(id, error))
    }
  }

  /** Makes durable what was decoded, and answers. */
  #commit(): void {
    const taken = this.#taken
    this.#taken = []
    try {
      if (this.#decoder.rows > 0) {
        const keys = taken.map(({ key }) => key)
        this.#writer.append(keys, this.#decoder.drain())
        this.#disk(undefined)
      }
      for (const { id, result } of taken) this.#answers.push({ id, result })
    } catch (error) {
      if (!(error instanceof Unwritable)) throw error
      for (const { id } of taken) this.#answers.push(answerTo(id, error))
      this.#disk(error.message)
      this.#close()
    }
    if (this.#answers.length > 0) this.#send({ kind: 'answers', answers: this.#answers, open: this.#writer.open })
    this.#answers = []
    if (this.#writer.full) this.#close()
  }

  #close(): void {
    try {
      this.#send({ kind: 'closed', closed: this.#writer.close() })
    } catch (error) {
      this.#disk(`a segment of the spool cannot be closed: ${(error as Error).message}`)
    }
  }

  /** Tells when the disk fails and when it works again, which is tried out until it does. */
  #disk(unwritable: string | undefined): void {
    if (unwritable === this.#unwritable) return
    if (this.#unwritable === undefined) setTimeout(() => this.#mend(), limits.mendMs).unref()
    this.#unwritable = unwritable
    this.#send({ kind: 'disk', unwritable })
  }

  #mend(): void {
    if (this.#unwritable === undefined) return
    try {
      this.#send({ kind: 'closed', closed: this.#writer.close() })
      this.#writer.probe()
      this.#disk(undefined)
    } catch {
      setTimeout(() => this.#mend(), limits.mendMs).unref()
    }
  }

  #count(): void {
    const counts = this.#decoder.counts()
    if (counts !== undefined) this.#send({ kind: 'counts', counts })
    if (this.#stopping) this.#port.close()
  }

  #send(message: FromThread): void {
    this.#port.postMessage(message)
  }
}

function answerTo(id: number, error: unknown): Answer {
  if (error instanceof Refusal) {
    return { id, refused: { status: error.status, message: error.message, retryAfter: error.retryAfter } }
  }
  if (error instanceof Undecodable)
    return { id, refused: { status: 400, message: error.message, retryAfter: undefined } }
  if (error instanceof Unwritable) {
    return { id, refused: { status: 503, message: error.message, retryAfter: limits.retryAfterS } }
  }
  return { id, failed: error instanceof Error ? (error.stack ?? error.message) : String(error) }
}

if (parentPort !== null) new Thread(parentPort, workerData as Setup)
