import type { Account } from './account.ts'
import { Cache } from './cache.ts'
import { type Call, pathOf } from './call.ts'
import type { Identity } from './capture/identity.ts'
import { type QuotaField, quotaFields } from './capture/quota.ts'
import type { Operation, Operations } from './capture/route.ts'
import type { Upstreams } from './capture/upstream.ts'
import type { Clock } from './clock.ts'
import type { Detail, Details } from './detail.ts'
import type { Feature } from './health.ts'
import {
  BACKLOG_BYTES,
  BACKLOG_CALLS,
  BACKLOG_DETAILS,
  DRAIN_TIME,
  HEADER_LENGTH,
  USER_AGENT_REMEMBERED,
  USER_AGENTS,
} from './limits.ts'
import type { Redactor } from './redact/redactor.ts'
import type { Reason, Sampler } from './sample.ts'
import type { Queue } from './ship/queue.ts'
import { type Ending, encodeAgent, writeCall, writeDetail } from './ship/record.ts'
import type { Work } from './work.ts'

interface Parts {
  account: Account
  clock: Clock
  operations: Operations
  upstreams: Upstreams
  identity: Identity<Buffer>
  sampler: Sampler
  redactor: Redactor
  details: Details
  queue: Queue
  work: Work
  /** What each part is contained by. */
  recording: Feature
  routes: Feature
  consumers: Feature
  quotas: Feature
}

/** A call that keeps its headers and bodies. */
interface Detailed {
  readonly call: Call
  readonly ending: Ending
  readonly reason: Reason
}

/**
 * Makes records of ended calls: operation, consumer, detail, bytes. Calls are taken some dozens at a time: one after the other
 * the same code runs from the processor's caches, which the application has emptied between two calls. Measured on
 * Express: 9 µs for a call on its own, 3 in a row.
 */
export class Recorder {
  readonly #parts: Parts
  readonly #wrote: (full: boolean) => void
  readonly #redactQuota = (value: string): string => this.#parts.redactor.quota(value)
  readonly #agents = new Cache<string, Buffer>(USER_AGENTS)
  #backlog: Call[] = []
  #detailed: Detailed[] = []
  #continuing = false

  /** @param wrote hears when something waits to be sent, and whether that fills a request */
  constructor(parts: Parts, wrote: (full: boolean) => void) {
    this.#parts = parts
    // Heard in callbacks of the event loop as well, where an exception would be the host's end.
    this.#wrote = (full) => parts.recording.contain(() => wrote(full))
  }

  /** Calls that have ended and wait for their record. */
  get waiting(): number {
    return this.#backlog.length + this.#detailed.length
  }

  /** A call has ended: `outcome`, `ended` and the like are filled in. */
  take(call: Call): void {
    this.#parts.account.seen += 1
    const length = this.#backlog.push(call)
    // Whatever happens the call is sent along with the next batch.
    if (length === 1) this.#wrote(false)
    // The host's request holds the parsed body, its response often what was sent: not to be kept alive for long.
    const large = call.requestBytes + call.responseBytes > BACKLOG_BYTES
    if (length < BACKLOG_CALLS && !large) return
    this.#drain(this.#continuing ? Infinity : large ? 1 : BACKLOG_DETAILS, DRAIN_TIME)
  }

  /** Records all that waits, now. */
  gather(): void {
    this.#drain(1, Infinity)
  }

  /** @param details from how many calls with detail on these are recorded, too @param time what that may take, milliseconds */
  #drain(details: number, time: number): void {
    const calls = this.#backlog
    if (calls.length === 0 && this.#detailed.length === 0) return
    const begun = performance.now()
    this.#backlog = []
    let full = false
    for (const call of calls) if (this.#record(call, begun)) full = true
    if (this.#detailed.length >= details) this.#drainDetailed(begun + time)
    this.#parts.work.add(performance.now() - begun)
    this.#wrote(full)
  }

  #drainDetailed(deadline: number): void {
    const waiting = this.#detailed
    this.#detailed = []
    let done = 0
    for (let now = 0; done < waiting.length && now < deadline; now = performance.now())
      this.#recordDetailed(waiting[done++]!)
    if (done === waiting.length) return
    this.#detailed = [...waiting.slice(done), ...this.#detailed]
    this.#continueSoon()
  }

  /** Detail takes its time: the host has its turn before the rest. */
  #continueSoon(): void {
    if (this.#continuing) return
    this.#continuing = true
    setImmediate(() => {
      this.#continuing = false
      this.#parts.recording.contain(() => this.#drain(1, DRAIN_TIME))
    }).unref()
  }

  /** Returns whether a batch is full. Never throws. */
  #record(call: Call, now: number): boolean {
    const { account, sampler, recording } = this.#parts
    let full = false
    try {
      const ending = this.#ending(call)
      const reason = sampler.judge(call, ending.operation, call.outcome, ending.duration, now)
      if (reason !== undefined) {
        this.#detailed.push({ call, ending, reason })
        return false
      }
      full = this.#write(call, ending)
    } catch (error) {
      account.drop('error', 1)
      recording.fault(error)
    }
    call.letGo()
    return full
  }

  #recordDetailed({ call, ending, reason }: Detailed): void {
    const { account, details, recording } = this.#parts
    try {
      // Where a body has to be decoded this comes later.
      details.make(call, reason, performance.now(), (detail) => {
        if (this.#write(call, ending, detail)) this.#wrote(true)
      })
    } catch (error) {
      account.drop('error', 1)
      recording.fault(error)
    }
    call.letGo()
  }

  #ending(call: Call): Ending {
    const { clock, redactor } = this.#parts
    return {
      operation: this.#operationOf(call),
      outcome: call.outcome,
      duration: Math.round(((call.lastByte || call.ended) - call.start) * 1000),
      firstByte: call.firstByte === 0 ? 0 : Math.max(1, Math.round((call.firstByte - call.start) * 1000)),
      started: clock.micros(call.start),
      path: redactor.path(pathOf(call.url)),
      consumer: this.#consumerOf(call),
      agent: this.#agentOf(call),
      quota: call.kind.answerFields === undefined ? undefined : this.#quotaOf(call),
    }
  }

  #write(call: Call, ending: Ending, detail?: Detail): boolean {
    const { queue, account, recording } = this.#parts
    try {
      if (detail === undefined) return queue.addCall((to) => writeCall(to, call, ending))
      return queue.addDetailed(
        (to) => writeCall(to, call, ending),
        (to, message) => writeDetail(to, message, detail, ending.quota),
      )
    } catch (error) {
      account.drop('error', 1)
      recording.fault(error)
      return false
    }
  }

  /** Of an outgoing call it would be the application itself. */
  #agentOf(call: Call): Buffer | undefined {
    const agent = call.kind.direction === 'in' ? call.headers['user-agent'] : undefined
    // As with every header, a cut value could end in the middle of a secret that is no longer recognised.
    if (typeof agent !== 'string' || agent.length > HEADER_LENGTH) return undefined
    let encoded = this.#agents.get(agent)
    if (encoded === undefined) {
      encoded = encodeAgent(this.#parts.redactor.userAgent(agent))
      if (agent.length <= USER_AGENT_REMEMBERED) this.#agents.set(agent, encoded)
    }
    return encoded
  }

  /** What an answer looks like is the host's affair: it costs a call its quotas at most. */
  #quotaOf(call: Call): QuotaField[] | undefined {
    const { quotas } = this.#parts
    if (quotas.off) return undefined
    try {
      return quotaFields(call.kind.answerFields!(call), this.#redactQuota)
    } catch (error) {
      quotas.fault(error)
      return undefined
    }
  }

  /** A framework that is not understood costs a call its name, not the record. */
  #operationOf(call: Call): Operation {
    const { operations, upstreams, routes } = this.#parts
    if (call.kind.direction === 'out') return upstreams.operationOf(call)
    if (call.kind.operation !== undefined) return call.kind.operation
    if (!routes.off) {
      try {
        return operations.of(call)
      } catch (error) {
        routes.fault(error)
      }
    }
    return operations.other(call.method)
  }

  #consumerOf(call: Call): Buffer | undefined {
    const { identity, consumers } = this.#parts
    // Of an outgoing call we are the consumer ourselves, and its keys are ours.
    if (consumers.off || call.kind.direction === 'out') return undefined
    try {
      return identity.of(call)
    } catch (error) {
      consumers.fault(error)
      return undefined
    }
  }
}
