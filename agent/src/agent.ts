import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import http from 'node:http'
import { Account } from './account.ts'
import type { Call, Consumer } from './call.ts'
import { Bodies } from './capture/body.ts'
import { Calls, type Capture, callOfRequest } from './capture/calls.ts'
import { ClientCapture } from './capture/client.ts'
import { Connections } from './capture/connection.ts'
import { acceptConsumer, keyedHash, keySecret } from './capture/consumer.ts'
import { ServerEvents } from './capture/events.ts'
import { followFrameworks } from './capture/frameworks.ts'
import { Http2Capture } from './capture/http2.ts'
import { Http2ClientCapture } from './capture/http2client.ts'
import { Identity } from './capture/identity.ts'
import { Ignored } from './capture/ignore.ts'
import { MalformedCapture } from './capture/malformed.ts'
import { Trust } from './capture/proxy.ts'
import { Pushed } from './capture/push.ts'
import { RawAnswers } from './capture/raw.ts'
import { Operations } from './capture/route.ts'
import { ServerCapture } from './capture/server.ts'
import { UndiciCapture } from './capture/undici.ts'
import { UpgradeCapture } from './capture/upgrade.ts'
import { Upstreams } from './capture/upstream.ts'
import { startClock } from './clock.ts'
import { type Config, compressionOf, privateNames } from './config.ts'
import { anchorOutside, outsideOfCalls, scopes } from './context.ts'
import { Details } from './detail.ts'
import { LastWords } from './exit.ts'
import { activeSpan, hasProvider } from './foreign.ts'
import { type Feature, Health } from './health.ts'
import { ATTRIBUTE_KEY, ATTRIBUTE_TEXT, ATTRIBUTES, EXIT_TIME, SPAN_TEXT } from './limits.ts'
import type { Log } from './log.ts'
import { Loop } from './loop.ts'
import { OWN_AGENT } from './own.ts'
import { Recorder } from './recorder.ts'
import { compileRedactor, type Redactor } from './redact/redactor.ts'
import { describeProcess, type Resource, VERSION } from './resource.ts'
import { Sampler } from './sample.ts'
import { Delivery } from './ship/delivery.ts'
import { encodeResource, encodeScope, type ReadableSpan } from './ship/otlp.ts'
import { Queue } from './ship/queue.ts'
import { encodeConsumer } from './ship/record.ts'
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
  readonly #resource: Resource
  readonly #connections: Connections
  readonly #queue: Queue
  readonly #sender: Sender
  readonly #delivery: Delivery
  readonly #health: Health
  /** Recording as such: when this keeps failing, nothing is captured any more. */
  readonly #recording: Feature
  readonly #tracingFeature: Feature
  readonly #routes: Feature
  readonly #identity: Feature
  /** What the application tells by `setConsumer` and `setAttribute`: any object at all. */
  readonly #told: Feature
  readonly #loop: Loop
  readonly #ignored: Ignored
  readonly #details: Details
  readonly #recorder: Recorder
  readonly #calls: Calls
  readonly #bodies: Bodies
  readonly #pushed: Pushed
  readonly #server: ServerCapture
  readonly #events = new ServerEvents()
  readonly #rawAnswers = new RawAnswers()
  readonly #http2: Http2Capture
  readonly #upgrades: UpgradeCapture
  readonly #malformed: MalformedCapture
  readonly #upstreams = new Upstreams()
  readonly #outgoing: readonly Capture[]
  readonly #lastWords: LastWords
  readonly #undo: (() => void | Promise<void>)[] = []
  #undoRoutes = () => {}
  readonly #work = new Work()
  #tracing: Tracing | undefined
  #tracingWaits = false

  constructor(config: Config, log: Log) {
    this.#config = config
    this.#log = log
    this.#resource = describeProcess(config)
    const resource = encodeResource(this.#resource)
    const scope = encodeScope(SCOPE, VERSION)
    const { account } = this
    this.#queue = new Queue(resource, scope, account, compressionOf(config))
    this.#sender = new Sender(config.endpoint, config.headers, `${OWN_AGENT}${VERSION}`)
    const started = Date.now()
    const recorder = () => this.#recorder
    const report = () => encodeReport(resource, scope, this.#report(), started, Date.now())
    this.#delivery = new Delivery(this.#queue, this.#sender, account, log, report, {
      get waiting() {
        return recorder().waiting
      },
      gather: () => recorder().gather(),
      settled: () => this.#details.settled(),
    })
    this.#lastWords = new LastWords(this.#delivery, this.#sender, account, log, report, () => this.#endCalls())
    const health = new Health(log)
    this.#health = health
    this.#recording = health.feature('recording', () => this.#stopCapture())
    this.#routes = health.feature('routes', () => this.#undoRoutes())
    this.#identity = health.feature('consumers', () => {})
    const { secret, guessable } = keySecret(config.keySecret, config.headers, String(this.#resource['service.name']))
    const weak = 'consumer keys are hashed with the service name, which is no secret: set CALLSIGHT_KEY_SECRET'
    const onKey = guessable ? () => log.once('warn', 'secret', weak) : () => {}
    const identity = new Identity(
      config,
      secret,
      encodeConsumer,
      health.feature('consumer function', () => {}),
      onKey,
    )
    const trust = Trust.read(config.trustedProxies)
    this.#connections = new Connections(config.clientAddress, trust, config.forwardedHeader, (address) => {
      onKey()
      return `ip_${keyedHash(secret, address)}`
    })
    this.#tracingFeature = health.feature('tracing', () => this.#stopTracing())
    this.#ignored = new Ignored(config.ignore)
    this.#told = health.feature("the application's word", () => {})
    const redactor = this.#compileRedactor()
    this.#details = new Details(
      redactor,
      config.bodyLimit,
      account,
      health.feature('redaction', () => this.#bodies.stop()),
    )
    this.#recorder = new Recorder(
      {
        account,
        clock: startClock(),
        operations: new Operations(config.routes),
        upstreams: this.#upstreams,
        identity,
        sampler: new Sampler(config.captureBodies, config.bodySample, config.slow),
        redactor,
        details: this.#details,
        queue: this.#queue,
        work: this.#work,
        recording: this.#recording,
        routes: this.#routes,
        consumers: this.#identity,
        quotas: health.feature('quotas', () => {}),
      },
      (full) => this.#delivery.noteWrite(full),
    )
    this.#calls = new Calls(
      {
        began: (call) => this.#begin(call),
        finished: (call) => this.#finish(call),
      },
      this.#recording,
    )
    this.#loop = new Loop(
      () => this.#calls.size > 0,
      health.feature('event loop', () => this.#loop.stop()),
    )
    this.#bodies = new Bodies(
      config.captureBodies === 'none' ? 0 : config.bodyLimit,
      health.feature('bodies', () => this.#bodies.stop()),
    )
    this.#pushed = new Pushed(
      this.#bodies,
      health.feature('bodies on arrival', () => this.#pushed.stop()),
    )
    this.#server = new ServerCapture(
      this.#calls,
      this.#bodies,
      health.feature('incoming calls', () => this.#server.stop()),
    )
    this.#http2 = new Http2Capture(
      this.#calls,
      this.#bodies,
      this.#events,
      health.feature('incoming calls of HTTP/2', () => this.#http2.stop()),
    )
    this.#upgrades = new UpgradeCapture(
      this.#calls,
      this.#events,
      this.#rawAnswers,
      health.feature('upgrades', () => this.#upgrades.stop()),
    )
    this.#malformed = new MalformedCapture(
      this.#calls,
      this.#events,
      this.#rawAnswers,
      health.feature('malformed requests', () => this.#malformed.stop()),
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
    this.#http2.start()
    this.#upgrades.start()
    this.#malformed.start()
    for (const capture of this.#outgoing) capture.start()
    this.#undoRoutes = followFrameworks((run) => this.#routes.contain(run))
    this.#undo.push(
      () => this.#stopCapture(),
      () => this.#undoRoutes(),
      () => this.#lastWords.uninstall(),
    )
    if (this.#config.traceRatio > 0) this.#traceFromListen()
  }

  setConsumer(raw: unknown, request?: unknown): void {
    if (this.#told.off) return
    this.#told.contain(() => {
      const call = callOfRequest(request) ?? scopes.getStore()?.call
      const consumer = acceptConsumer(raw)
      if (consumer === undefined) this.#log.once('warn', 'consumer', 'setConsumer needs an object with an id; ignored')
      else if (call !== undefined && !call.done) call.consumer = consumer as Consumer
    })
  }

  setAttribute(key: unknown, value: unknown): void {
    if (this.#told.off) return
    this.#told.contain(() => {
      const call = scopes.getStore()?.call
      if (typeof key !== 'string' || key === '' || !isPlain(value)) {
        this.#log.once('warn', 'attribute', 'setAttribute needs a key and a text, finite number or boolean; ignored')
      } else if (call !== undefined && !call.done) addAttribute(call, key, value)
    })
  }

  async flush(time = EXIT_TIME): Promise<boolean> {
    try {
      return await this.#delivery.flush(time)
    } catch (error) {
      this.#recording.fault(error)
      return false
    }
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
    this.#recording.contain(() => this.#delivery.stop())
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
        const follow = (call: Call) => {
          call.span = activeSpan() ?? call.span
        }
        this.#server.onAnswer(follow)
        this.#http2.onAnswer(follow)
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

  /** A rule that cannot be understood must not mask less than was meant: then no headers and bodies are sent at all. */
  #compileRedactor(): Redactor {
    const { redactMode, redact, redactPaths, redactAllow } = this.#config
    const rules = {
      mode: redactMode,
      names: [...redact, ...privateNames(this.#config)],
      paths: redactPaths,
      allow: redactAllow,
    }
    try {
      return compileRedactor(rules)
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      this.#log.once('warn', 'redact', `${text}; until that is mended no headers and bodies are sent`)
      return compileRedactor({ mode: 'metadata', names: [], paths: [], allow: [] })
    }
  }

  /** The process leaves: what is under way is recorded as it stands. */
  #endCalls(): void {
    this.#calls.endAll()
    this.#recorder.gather()
    this.#details.abandon()
  }

  #stopCapture(): void {
    for (const capture of this.#outgoing) capture.stop()
    this.#server.stop()
    this.#http2.stop()
    this.#upgrades.stop()
    this.#malformed.stop()
    this.#pushed.stop()
    this.#loop.stop()
  }

  #begin(call: Call): void {
    if (call.kind.direction === 'in' && this.#ignored.has(call)) {
      call.ignored = true
      call.requestBody = call.responseBody = null
      return
    }
    const timed = this.#work.begin(call.start)
    this.#bodies.begin(call)
    if (call.kind.direction === 'in') this.#connect(call)
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

  #finish(call: Call): void {
    const now = performance.now()
    call.ended = now
    call.loopWait = this.#loop.late(now) - call.lateness
    if (call.traced) this.#endSpan(call)
    // Neither recorded nor counted.
    if (call.ignored) call.letGo()
    else this.#recorder.take(call)
  }

  /** An address that could not be treated as configured is not sent. */
  #connect(call: Call): void {
    try {
      this.#connections.begin(call)
    } catch (error) {
      call.peer = undefined
      this.#identity.fault(error)
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
