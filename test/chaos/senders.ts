import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { fileURLToPath } from 'node:url'
import { file, Program, pause } from './program.ts'
import type { RawSender } from './raw.ts'

const agentRegister = fileURLToPath(new URL('../../agent/dist/register.js', import.meta.url))

/** What a process with a stock exporter tells at its end. */
export interface ExporterAccount {
  spans: number
  batches: number
  /** Exports that the exporter gave up and that were made again. */
  repeated: number
  complaints: string[]
}

export class Exporter {
  readonly service: string
  account: ExporterAccount = { spans: 0, batches: 0, repeated: 0, complaints: [] }
  readonly #program: Program

  constructor(service: string, protocol: 'http' | 'grpc', port: number) {
    this.service = service
    this.#program = new Program([file('otel.mjs')], {
      PROTOCOL: protocol,
      OTEL_SERVICE_NAME: service,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    })
  }

  async finish(): Promise<void> {
    if (!this.#program.running) throw new Error(`${this.service} ended: ${this.#program.output}`)
    this.#program.child.send('stop')
    const [account] = await once(this.#program.child, 'message')
    this.account = account as ExporterAccount
    await this.#program.ended
  }

  kill(): Promise<unknown> {
    return this.#program.end('SIGKILL')
  }
}

/** A server with our agent in it, and its callers. */
export class App {
  readonly service: string
  /** Requests that it has answered. */
  answered = 0
  readonly #program: Program

  constructor(service: string, name: string, port: number) {
    this.service = service
    this.#program = new Program(['--require', agentRegister, file(`../pipeline/app/${name}`)], {
      OTEL_SERVICE_NAME: service,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      CALLSIGHT_KEY_SECRET: 'secret',
    })
  }

  async run(rate: number, stopped: () => boolean): Promise<void> {
    const [, url] = await this.#program.line(/listening on (\S+)/)
    const agent = new Agent({ keepAlive: true })
    const paths = ['/items', '/items/1', '/fail', '/nowhere', '/users/a/orders/b', '/items/2?page=3']
    for (let n = 0; !stopped(); n++) {
      await new Promise<void>((resolve, reject) => {
        request(`${url}${paths[n % paths.length]}`, { agent }, (response) => response.resume().on('end', resolve))
          .on('error', reject)
          .end()
      })
      this.answered++
      await pause(1000 / rate)
    }
    agent.destroy()
  }

  /** As an operator stops it: the agent sends what it has, and its account. */
  stop(): Promise<unknown> {
    return this.#program.end('SIGTERM')
  }

  kill(): Promise<unknown> {
    return this.#program.end('SIGKILL')
  }
}

export interface Senders {
  raw: RawSender[]
  apps: App[]
  exporters: Exporter[]
}
