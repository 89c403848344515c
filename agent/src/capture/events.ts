import http from 'node:http'
import https from 'node:https'
import { type Server, Server as TcpServer } from 'node:net'
import type { Feature } from '../health.ts'
import { type Method, patch } from './patch.ts'

/** What an event is heard with: its own arguments, the first of them the name. */
export type Hear = (args: ArrayLike<unknown>, server: Server) => void

/**
 * Events of servers of every kind (http, https, http2), heard just before their listeners, without being a listener: a
 * listener would be counted, and would change what Node does (`upgrade`, `clientError`). All servers inherit `emit`
 * from `net.Server`, so one method there is enough, and it costs one look-up for each event.
 */
export class ServerEvents {
  readonly #heard = new Map<unknown, { feature: Feature; hear: Hear }[]>()
  #undo: (() => void)[] = []

  /** Hears `event` until `stop` of all events, or until `feature` is off. */
  on(event: string, feature: Feature, hear: Hear): void {
    const all = this.#heard.get(event)
    if (all === undefined) this.#heard.set(event, [{ feature, hear }])
    else all.push({ feature, hear })
    if (this.#undo.length === 0) this.#patch()
  }

  /** Hears nothing more on behalf of `feature`. */
  off(feature: Feature): void {
    for (const [event, all] of this.#heard) {
      const rest = all.filter((one) => one.feature !== feature)
      if (rest.length === 0) this.#heard.delete(event)
      else this.#heard.set(event, rest)
    }
    if (this.#heard.size === 0) for (const undo of this.#undo.splice(0)) undo()
  }

  #patch(): void {
    // Whoever has put an `emit` of their own on a class before us goes around net.Server's: there we stand before them.
    const classes = [http.Server.prototype, https.Server.prototype].filter((one) => Object.hasOwn(one, 'emit'))
    this.#undo = [TcpServer.prototype, ...classes].map((one) => this.#patchEmit(one))
  }

  #patchEmit(target: Server): () => void {
    const heard = this.#heard
    const own = Object.hasOwn(target, 'emit') ? (target.emit as unknown as Method) : undefined
    const parent = Object.getPrototypeOf(target) as { emit: Method }
    function emit(this: Server, event: unknown, first: unknown, second: unknown): unknown {
      const all = heard.get(event)
      // biome-ignore lint/complexity/noArguments: passed on as they are, without an array for every event
      if (all !== undefined) tell(all, arguments, this)
      const next = own ?? parent.emit
      // A request, hence every call.
      // biome-ignore lint/complexity/noArguments: as above
      if (arguments.length === 3) return next.call(this, event, first, second)
      // biome-ignore lint/complexity/noArguments: as above
      return next.apply(this, arguments as unknown as unknown[])
    }
    return patch(target, 'emit', emit as Method)
  }
}

function tell(all: { feature: Feature; hear: Hear }[], args: ArrayLike<unknown>, server: Server): void {
  for (const { feature, hear } of all) {
    try {
      hear(args, server)
    } catch (error) {
      feature.fault(error)
    }
  }
}
