import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import http from 'node:http'
import { Account } from './account.ts'
import type { Call, Consumer, Outcome } from './call.ts'
import { Bodies } from './capture/body.ts'
import { Calls, type Capture } from './capture/calls.ts'
import { ClientCapture } from './capture/client.ts'
import { acceptConsumer, Consumers, keySecret } from './capture/consumer.ts'
import { noteLayerPaths } from './capture/express.ts'
import { followFastify } from './capture/fastify.ts'
import { Http2ClientCapture } from './capture/http2client.ts'
import { Pushed } from './capture/push.ts'
import { type Operation, Operations } from './capture/route.ts'
import { ServerCapture } from './capture/server.ts'
import { UndiciCapture } from './capture/undici.ts'
import { Upstreams } from './capture/upstream.ts'
import { type Clock, startClock } from './clock.ts'
import type { Config } from './config.ts'
import { anchorOutside, outsideOfCalls, scopes } from './context.ts'
import { LastWords } from './exit.ts'
import { activeSpan, hasProvider } from './foreign.ts'
import { type Feature, Health } from './health.ts'
import { ATTRIBUTE_KEY, ATTRIBUTE_TEXT, ATTRIBUTES, EXIT_TIME, SPAN_TEXT } from './limits.ts'
import type { Log } from './log.ts'
import { Loop } from './loop.ts'
import { describeProcess, type Resource, VERSION } from './resource.ts'
import { Delivery } from './ship/delivery.ts'
import { encodeResource, encodeScope, type ReadableSpan } from './ship/otlp.ts'
import { Queue } from './ship/queue.ts'
import { encodeConsumer, writeCall } from './ship/record.ts'
import { encodeReport, type Report } from './ship/report.ts'
import { Sender } from './ship/send.ts'
import type { Tracing } from './trace.ts'
import { Work } from './work.ts'

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
  readonly #health: Health
  /** Recording as such: when this keeps failing, nothing is captured any more. */
  readonly #recording: Feature
  readonly #tracingFeature: Feature
  readonly #routes: Feature
  readonly #identity: Feature
  readonly #loop: Loop
  readonly #calls: Calls
  readonly #bodies: Bodies
  readonly #pushed: Pushed
  readonly #server: ServerCapture
  readonly #upstreams = new Upstreams()
  readonly #outgoing: readonly Capture[]
  readonly #lastWords: LastWords
  readonly #undo: (() => void | Promise<void>)[] = []
  readonly #undoRoutes: (() => void)[] = []
  readonly #work = new Work()
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
    const report = () => encodeReport(resource, scope, this.#report(), started, Date.now())
    this.#delivery = new Delivery(this.#queue, this.#sender, account, log, report)
    this.#lastWords = new LastWords(this.#delivery, this.#sender, account, log, report, () => this.#calls.endAll())
    const health = new Health(log)
    this.#health = health
    this.#recording = health.feature('recording', () => this.#stopCapture())
    this.#routes = health.feature('routes', () => this.#stopRoutes())
    this.#identity = health.feature('consumers', () => {})
    this.#tracingFeature = health.feature('tracing', () => this.#stopTracing())
    this.#calls = new Calls(
      {
        began: (call) => this.#begin(call),
        finished: (call, outcome) => this.#record(call, outcome),
      },
      this.#recording,
    )
    this.#loop = new Loop(() => this.#calls.size > 0)
    this.#bodies = new Bodies(
      config.captureBodies === 'none' ? 0 : config.bodyLimit,
      health.feature('bodies', () => this.#bodies.stop()),
    )
    this.#pushed = new Pushed(this.#bodies)
    this.#server = new ServerCapture(
      this.#calls,
      this.#bodies,
      health.feature('incoming calls', () => this.#server.stop()),
    )
    this.#outgoing = [
      ['http', ClientCapture] as const,
      ['undici', UndiciCapture] as const,
      ['http2', Http2ClientCapture] as const,
    ].map(([name, Way]) => {
      const feature = health.feature(`outgoing ${name} calls`, () => capture.stop())
      const capture: Capture = new Way(this.#calls, this.#bodies, this.#upstreams, feature)
      return capture
    })
  }

  /** Begins to listen. Starts no timer, opens no connection and loads nothing before the host serves HTTP. */
  start(): void {
    anchorOutside()
    this.#pushed.start()
    this.#server.start()
    for (const capture of this.#outgoing) capture.start()
    this.#undoRoutes.push(
      noteLayerPaths(),
      followFastify((run) => this.#routes.contain(run)),
    )
    this.#undo.push(
      () => this.#stopCapture(),
      () => this.#stopRoutes(),
      () => this.#lastWords.uninstall(),
    )
    if (this.#config.traceRatio > 0) this.#traceFromListen()
  }

  setConsumer(raw: unknown): void {
    this.#recording.contain(() => {
      const call = scopes.getStore()?.call
      const consumer = acceptConsumer(raw)
      if (consumer === undefined) this.#log.once('warn', 'consumer', 'setConsumer needs an object with an id; ignored')
      else if (call !== undefined && !call.done) call.consumer = consumer as Consumer
    })
  }

  setAttribute(key: unknown, value: unknown): void {
    this.#recording.contain(() => {
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
        this.#recording.fault(error)
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
    this.#tracingFeature.contain(() => {
      if (hasProvider()) {
        this.#server.onAnswer((call) => {
          call.span = activeSpan() ?? call.span
        })
        return
      }
      const { startTracing } = require('./trace.js') as typeof import('./trace.ts')
      const started = outsideOfCalls(() => startTracing(this.#resource, SCOPE, this.#shipSpan))
      this.#tracing = started
      this.#undo.push(() => this.#stopTracing())
    })
  }

  #report(): Report {
    return {
      account: this.account,
      health: this.#health,
      work: this.#work.micros,
      queueBytes: this.#queue.bytes,
      queueCalls: this.#queue.waiting,
      openCalls: this.#calls.size,
    }
  }

  #stopTracing(): Promise<void> | undefined {
    const tracing = this.#tracing
    this.#tracing = undefined
    return tracing?.stop()
  }

  #stopRoutes(): void {
    for (const undo of this.#undoRoutes.splice(0)) undo()
  }

  #stopCapture(): void {
    for (const capture of this.#outgoing) capture.stop()
    this.#server.stop()
    this.#pushed.stop()
    this.#loop.stop()
  }

  #begin(call: Call): void {
    const timed = this.#work.begin(call.start)
    this.#lastWords.install()
    this.#loop.watch(call.start)
    call.lateness = this.#loop.late(call.start)
    // A runtime without the listen channel, or a server that was listening already: from the next call on.
    if (this.#tracingWaits && call.kind.direction === 'in') setImmediate(() => this.#startTracing())
    if (this.#tracing !== undefined && call.kind.direction === 'in') this.#trace(call, this.#tracing)
    if (timed) this.#work.end()
  }

  /** Decides whether a call is traced, and begins its span. */
  #trace(call: Call, tracing: Tracing): void {
    if (!(call.parent?.sampled ?? Math.random() < this.#config.traceRatio)) return
    this.#tracingFeature.contain(() => {
      tracing.begin(call)
      call.traced = true
    })
  }

  #record(call: Call, outcome: Outcome): void {
    this.account.seen += 1
    const before = this.#queue.calls.length
    try {
      const now = performance.now()
      const ended = call.lastByte || now
      const timed = this.#work.begin(now)
      if (call.traced) this.#endSpan(call)
      writeCall(this.#queue.calls, call, {
        operation: this.#operationOf(call),
        outcome,
        duration: Math.round((ended - call.start) * 1000),
        firstByte: call.firstByte === 0 ? 0 : Math.max(1, Math.round((call.firstByte - call.start) * 1000)),
        started: this.#clock.micros(call.start),
        loopWait: this.#loop.late(now) - call.lateness,
        consumer: this.#consumerOf(call),
      })
      if (timed) this.#work.end()
    } catch (error) {
      this.#queue.calls.length = before
      this.account.drop('error', 1)
      throw error
    }
    call.requestBody?.release()
    call.responseBody?.release()
    this.#delivery.noteWrite(this.#queue.wroteCall())
  }

  /** A framework that is not understood costs a call its name, not the record. */
  #operationOf(call: Call): Operation {
    if (call.kind.direction === 'out') return this.#upstreams.operationOf(call)
    if (!this.#routes.off) {
      try {
        return this.#operations.of(call)
      } catch (error) {
        this.#routes.fault(error)
      }
    }
    return this.#operations.other(call.method)
  }

  #consumerOf(call: Call): Buffer | undefined {
    // Of an outgoing call we are the consumer ourselves, and its keys are ours.
    if (this.#identity.off || call.kind.direction === 'out') return undefined
    try {
      return call.consumer === undefined
        ? this.#consumers.fromHeaders(call.headers)
        : this.#consumers.fromApplication(call.consumer)
    } catch (error) {
      this.#identity.fault(error)
      return undefined
    }
  }

  /** What the application has set on the call's span belongs to the call. */
  #endSpan(call: Call): void {
    this.#tracingFeature.contain(() => {
      const attributes = this.#tracing?.end(call)
      for (const key in attributes) addAttribute(call, key, attributes[key])
    })
  }

  readonly #shipSpan = (scope: string, version: string | undefined, span: ReadableSpan): void => {
    try {
      this.#delivery.noteWrite(this.#queue.addSpan(scope, version, span, SPAN_TEXT))
    } catch (error) {
      this.account.spansDropped += 1
      this.#tracingFeature.fault(error)
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
