import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { questionsOf } from '../query/panels.mjs'
import { askPanel, pinToLast } from './collector.mjs'

/*
 * A browser with all panels of every board open, the last quarter of an hour, refreshing: a process of its own, as this file again.
 */

const self = fileURLToPath(import.meta.url)
const SPAN_MS = 900_000

/** Asks until it is stopped. */
export class Reader {
  #times = []
  #failed = 0

  constructor({ web, seconds }) {
    this.child = fork(self, [web, String(seconds)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    pinToLast(this.child.pid)
    this.child.on('message', ({ ms, error }) => {
      if (error === undefined) this.#times.push(ms)
      else {
        this.#failed += 1
        process.stderr.write(`${error}\n`)
      }
    })
  }

  /** What the boards took, each from the first question to the last answer, since the last time this was asked. */
  take() {
    const sorted = this.#times.sort((a, b) => a - b)
    const taken = {
      p50: sorted[sorted.length >> 1] ?? Number.NaN,
      max: sorted.at(-1) ?? Number.NaN,
      failed: this.#failed,
    }
    this.#times = []
    this.#failed = 0
    return taken
  }

  async stop() {
    if (this.child.exitCode !== null) return
    this.child.disconnect()
    await once(this.child, 'exit')
  }

  end() {
    this.child.kill('SIGKILL')
  }
}

async function refresh(web) {
  const questions = questionsOf({ to: Date.now(), span: SPAN_MS })
  for (const board of new Set(questions.map((one) => one.board))) {
    const began = performance.now()
    const mine = questions.filter((one) => one.board === board)
    try {
      await Promise.all(mine.map(({ question }) => askPanel(web, board, question)))
      process.send({ ms: performance.now() - began })
    } catch (error) {
      process.send({ error: String(error) })
    }
  }
}

if (process.argv[1] === self) {
  const [web, seconds] = process.argv.slice(2)
  let stopped = false
  process.on('disconnect', () => process.exit())
  while (!stopped) {
    const began = performance.now()
    await refresh(web)
    stopped = !process.connected
    await new Promise((wake) => setTimeout(wake, Math.max(Number(seconds) * 1000 - (performance.now() - began), 0)))
  }
}
