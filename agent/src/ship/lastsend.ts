import { Worker } from 'node:worker_threads'

/** One request to be made while the process is already leaving. */
export interface LastRequest {
  url: string
  headers: Record<string, string>
  body: Buffer
}

/**
 * What runs in the worker: posts one after the other, notes each acknowledged one and stops at the first failure. Plain text, since a worker loads
 * its own code, and `eval` of a worker needs no file that a bundler might have left behind.
 */
const SCRIPT = `
const { workerData: { requests, state } } = require('node:worker_threads')
const http = require('node:http'), https = require('node:https')
const done = () => { Atomics.store(state, 0, 1); Atomics.notify(state, 0) }
const next = (i) => {
  if (i === requests.length) return done()
  const { url, headers, body } = requests[i]
  const request = (url.startsWith('https:') ? https : http).request(url,
    { method: 'POST', headers: { ...headers, 'content-length': body.length } }, (response) => {
      response.resume()
      response.on('close', () => {
        if (response.statusCode >= 300) return done()
        Atomics.add(state, 1, 1)
        next(i + 1)
      })
    })
  request.on('error', done)
  request.end(body)
}
next(0)
`

/**
 * Sends while the event loop is gone (`process.exit()`, an uncaught exception): a worker thread does it while this
 * thread waits, at most `time` milliseconds. Costs about 45 ms, and only when something is left to send.
 * Returns how many requests were acknowledged, counted from the first.
 */
export function sendNow(requests: LastRequest[], time: number): number {
  const state = new Int32Array(new SharedArrayBuffer(8))
  // Nothing of the host's environment: it may preload this very agent.
  const worker = new Worker(SCRIPT, { eval: true, execArgv: [], env: {}, workerData: { requests, state } })
  worker.on('error', () => {})
  worker.unref()
  Atomics.wait(state, 0, 0, time)
  return Atomics.load(state, 1)
}
