import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Cut } from './plan.ts'

interface Pair {
  sender: Socket
  collector: Socket
  /** What happens at the next bytes. */
  armed?: 'in the request' | 'before the answer'
}

/** Stands between the senders and one port of the collector, and treats their connections badly when it is told to. */
export class Relay {
  /** Connections that a fault really hit. */
  readonly hits: Record<Cut, number> = { now: 0, 'in the request': 0, 'before the answer': 0, hanging: 0 }
  readonly #server: Server
  readonly #pairs = new Set<Pair>()

  private constructor(port: number) {
    this.#server = createServer((sender) => this.#join(sender, port))
  }

  /** @param port of the collector on 127.0.0.1 */
  static async before(port: number): Promise<Relay> {
    const relay = new Relay(port)
    await new Promise<void>((resolve) => relay.#server.listen(0, '127.0.0.1', resolve))
    return relay
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  cut(how: Cut, hangsMs: number): void {
    for (const pair of this.#pairs) {
      if (how === 'in the request' || how === 'before the answer') pair.armed = how
      else {
        this.hits[how]++
        if (how === 'now') part(pair)
        else hang(pair, hangsMs)
      }
    }
  }

  /** Forgets the cuts that no bytes have met yet. */
  disarm(): void {
    for (const pair of this.#pairs) delete pair.armed
  }

  async close(): Promise<void> {
    for (const pair of this.#pairs) part(pair)
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #join(sender: Socket, port: number): void {
    const pair: Pair = { sender, collector: connect(port, '127.0.0.1') }
    this.#pairs.add(pair)
    for (const [from, to, where] of [
      [sender, pair.collector, 'in the request'],
      [pair.collector, sender, 'before the answer'],
    ] as const) {
      from.setNoDelay(true)
      from.on('data', (bytes: Buffer) => {
        if (pair.armed !== where) return void to.write(bytes)
        this.hits[where]++
        // Half of what came is in the collector's hands; of an answer nothing is in the sender's.
        if (where === 'before the answer') part(pair)
        else to.write(bytes.subarray(0, bytes.length >> 1), () => part(pair))
      })
      from.on('end', () => to.end())
      from.on('error', () => part(pair))
      from.on('close', () => {
        part(pair)
        this.#pairs.delete(pair)
      })
    }
  }
}

function part({ sender, collector }: Pair): void {
  sender.destroy()
  collector.destroy()
}

function hang({ sender, collector }: Pair, ms: number): void {
  sender.pause()
  collector.pause()
  setTimeout(() => {
    sender.resume()
    collector.resume()
  }, ms)
}
