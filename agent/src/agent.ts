import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import http from 'node:http'
import { Account } from './account.ts'
import { type Call, type Consumer, outcomeOf } from './call.ts'
import { acceptConsumer, Consumers, keySecret } from './capture/consumer.ts'
import { followFrameworks } from './capture/frameworks.ts'
import { Operations } from './capture/route.ts'
import { ServerCapture } from './capture/server.ts'
import { type Clock, startClock } from './clock.ts'
import type { Config } from './config.ts'
import { anchorOutside, outsideOfCalls, scopes } from './context.ts'
import { LastWords } from './exit.ts'
import { activeSpan, hasProvider } from './foreign.ts'
import { ATTRIBUTE_KEY, ATTRIBUTE_TEXT, ATTRIBUTES, EXIT_TIME, FAULTS, SPAN_TEXT } from './limits.ts'
import type { Log } from './log.ts'
import { describeProcess, type Resource, VERSION } from './resource.ts'
import { Delivery } from './ship/delivery.ts'
import { encodeAccount, encodeResource, encodeScope, type ReadableSpan } from './ship/otlp.ts'
import { Queue } from './ship/queue.ts'
import { encodeConsumer, writeCall } from './ship/record.ts'
import { Sender } from './ship/send.ts'
import type { Tracing } from './trace.ts'

/** The instrumentation scope of every call. */
export const SCOPE = '@callsight/agent'

const LISTEN = 'tracing:net.server.listen:asyncStart'

/**
 * The agent of one process (or worker thread). A call goes through it in this order: capture begins it, the
 * application answers, capture ends it; it gets its operation, outcome and consumer, is written into the queue's open
 * batch, and the delivery sends that.
 */
export class Agent {
  readonly account = new Account()
  readonly #config: Config
  readonly #log: Log
  readonly #clock: Clock
  readonly #resource: Resource
  readonly #operations = new Operations()
  readonly #consumers: Consumers<Buffer>
  readonly #queue: Queue
  readonly #sender: Sender
  readonly #delivery: Delivery
  readonly #capture: ServerCapture
  readonly #lastWords: LastWords
  readonly #undo: (() => void | Promise<void>)[] = []
  #faults = 0
  #tracing: Tracing | undefined
  #tracingWaits = false

  constructor(config: Config, log: Log) {
    this.#config = config
    this.#log = log
    this.#clock = startClock()
    this.#resource = describeProcess(config)
    const { secret, guessable } = keySecret(config.keySecret, config.headers, String(this.#resource['service.name']))
    const weak = 'consumer keys are hashed with the service name, which is no secret: set CALLSIGHT_KEY_SECRET'
    const onKey = guessable ? () => log.once('warn', 'secret', weak) : () => {}
    this.#consumers = new Consumers(config.consumerHeader, config.consumerClaim, secret, encodeConsumer, onKey)
    const resource = encodeResource(this.#resource)
    const scope = encodeScope(SCOPE, VERSION)
    const { account } = this
    this.#queue = new Queue(resource, scope, account)
    this.#sender = new Sender(config.endpoint, config.headers, `callsight-agent/${VERSION}`)
    const started = Date.now()
    const report = () => encodeAccount(resource, scope, account, started, Date.now())
    this.#delivery = new Delivery(this.#queue, this.#sender, account, log, report)
    this.#lastWords = new LastWords(this.#delivery, this.#sender, account, log, report, () => this.#capture.endAll())
    this.#capture = new ServerCapture({
      began: (call) => this.#begin(call),
      finished: (call, status, finished) => this.#record(call, status, finished),
      fault: (error) => this.#fault(error),
    })
  }

  /** Begins to listen. Starts no timer, opens no connection and loads nothing before the host serves HTTP. */
  start(): void {
    anchorOutside()
    this.#capture.start()
    this.#undo.push(
      () => this.#capture.stop(),
      followFrameworks((run) => this.#contain(run)),
      () => this.#lastWords.uninstall(),
    )
    if (this.#config.traceRatio > 0) this.#traceFromListen()
  }

  setConsumer(raw: unknown): void {
    this.#contain(() => {
      const call = scopes.getStore()?.call
      const consumer = acceptConsumer(raw)
      if (consumer === undefined) this.#log.once('warn', 'consumer', 'setConsumer needs an object with an id; ignored')
      else if (call !== undefined && !call.done) call.consumer = consumer as Consumer
    })
  }

  setAttribute(key: unknown, value: unknown): void {
    this.#contain(() => {
      const call = scopes.getStore()?.call
      if (typeof key !== 'string' || key === '' || !isPlain(value)) {
        this.#log.once('warn', 'attribute', 'setAttribute needs a key and a text, finite number or boolean; ignored')
      } else if (call !== undefined && !call.done) addAttribute(call, key, value)
    })
  }

  flush(time = EXIT_TIME): Promise<boolean> {
    return this.#delivery.flush(time)
  }

  /** Sends what there is and takes everything back, in the reverse order of the start. */
  async stop(): Promise<void> {
    for (const undo of this.#undo.splice(0).reverse()) {
      try {
        await undo()
      } catch (error) {
        this.#fault(error)
      }
    }
    await this.flush()
    this.#delivery.stop()
  }

  /** The application's own SDK, if any, is known by the time it listens; so our own is not loaded before. */
  #traceFromListen(): void {
    this.#tracingWaits = true
    const onListen = (message: unknown) => {
      if ((message as { server: unknown }).server instanceof http.Server) this.#startTracing()
    }
    subscribe(LISTEN, onListen)
    this.#undo.push(() => void unsubscribe(LISTEN, onListen))
  }

  #startTracing(): void {
    if (!this.#tracingWaits) return
    // Not to be tried again, whatever happens now.
    this.#tracingWaits = false
    this.#contain(() => {
      if (hasProvider()) {
        this.#capture.onAnswer((call) => {
          call.span = activeSpan()
        })
        return
      }
      const { startTracing } = require('./trace.js') as typeof import('./trace.ts')
      const started = outsideOfCalls(() => startTracing(this.#resource, SCOPE, this.#shipSpan))
      this.#tracing = started
      this.#undo.push(() => {
        this.#tracing = undefined
        return started.stop()
      })
    })
  }

  /** Decides whether a call is traced, and begins its span. */
  #begin(call: Call): void {
    this.#lastWords.install()
    // A runtime without the listen channel, or a server that was listening already: from the next call on.
    if (this.#tracingWaits) setImmediate(() => this.#startTracing())
    const tracing = this.#tracing
    if (tracing === undefined) return
    if (!(call.parent?.sampled ?? Math.random() < this.#config.traceRatio)) return
    tracing.begin(call)
    call.traced = true
  }

  #record(call: Call, status: number, finished: boolean): void {
    this.account.seen += 1
    const before = this.#queue.calls.length
    try {
      const now = performance.now()
      if (call.traced) this.#endSpan(call)
      const { consumer } = call
      writeCall(this.#queue.calls, call, {
        operation: this.#operations.of(call, status),
        outcome: outcomeOf(call, status, finished),
        status,
        duration: Math.round((now - call.start) * 1000),
        firstByte: call.firstByte === 0 ? 0 : Math.max(1, Math.round((call.firstByte - call.start) * 1000)),
        started: this.#clock.micros(call.start),
        requestBytes: call.requestBytes,
        responseBytes: call.responseBytes,
        consumer:
          consumer === undefined
            ? this.#consumers.fromHeaders(call.request.headers)
            : this.#consumers.fromApplication(consumer),
      })
    } catch (error) {
      this.#queue.calls.length = before
      this.account.drop('error', 1)
      throw error
    }
    this.#delivery.noteWrite(this.#queue.wroteCall())
  }

  /** What the application has set on the call's span belongs to the call. */
  #endSpan(call: Call): void {
    const attributes = this.#tracing?.end(call)
    for (const key in attributes) addAttribute(call, key, attributes[key])
  }

  readonly #shipSpan = (scope: string, version: string | undefined, span: ReadableSpan): void => {
    try {
      this.#delivery.noteWrite(this.#queue.addSpan(scope, version, span, SPAN_TEXT))
    } catch (error) {
      this.account.spansDropped += 1
      this.#fault(error)
    }
  }

  #contain(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#fault(error)
    }
  }

  /** A fault of the agent is said once and counted; too many, and it takes itself out of the host's way. */
  #fault(error: unknown): void {
    this.#faults += 1
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.#log.once('error', 'fault', `fault inside the agent, the application is not affected: ${text}`)
    if (this.#faults === FAULTS) {
      this.#log.say('error', `${FAULTS} faults inside the agent: it records no more calls in this process`)
      this.#capture.stop()
    }
  }
}

function isPlain(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)
}

function addAttribute(call: Call, key: string, value: unknown): void {
  if (!isPlain(value)) return
  call.attributes ??= new Map()
  const name = key.slice(0, ATTRIBUTE_KEY)
  if (call.attributes.size >= ATTRIBUTES && !call.attributes.has(name)) return
  call.attributes.set(name, typeof value === 'string' ? value.slice(0, ATTRIBUTE_TEXT) : value)
}
