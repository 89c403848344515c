import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { pinToLast } from './collector.mjs'

/** The load generator as a process of its own, on the last core. */
export class Load {
  constructor() {
    const path = fileURLToPath(new URL('generator.mjs', import.meta.url))
    this.child = fork(path, [], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: ['--max-old-space-size=4096'],
    })
    pinToLast(this.child.pid)
  }

  #ask(command, options) {
    return new Promise((resolve, reject) => {
      const onExit = (code) => reject(new Error(`the load generator ended with ${code}`))
      this.child.once('exit', onExit)
      this.child.once('message', (answer) => {
        this.child.off('exit', onExit)
        if (answer.error !== undefined) reject(new Error(answer.error))
        else resolve(answer.done)
      })
      this.child.send({ command, ...options })
    })
  }

  /** Makes the bodies: `{ callsPerRequest, bytesPerCall }`. */
  prepare(options) {
    return this.#ask('prepare', options)
  }

  /** Sends for some seconds and waits for every answer; without `rate` as much as the connections can carry. */
  send(options) {
    return this.#ask('send', options)
  }

  stop() {
    this.child.disconnect()
  }
}
