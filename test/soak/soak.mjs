// A soak: a process with the agent in it under a steady, unkind load, and what must stay flat, measured over time.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import { fileURLToPath } from 'node:url'

const file = (name) => fileURLToPath(new URL(name, import.meta.url))

/** What callers do, by weight in a thousand. */
const MIX = [
  [640, (ask, i) => ask('GET', `/json/${i}`)],
  [
    150,
    (ask, i) => ask('POST', '/echo', JSON.stringify({ id: i, card: '4111 1111 1111 1111', note: 'x'.repeat(500) })),
  ],
  [60, (ask) => ask('GET', '/out')],
  [40, (ask) => ask('POST', '/upload', Buffer.alloc(200_000, 32))],
  [20, (ask) => ask('POST', '/unread', Buffer.alloc(100_000, 32))],
  [30, (ask) => ask('GET', '/hang', undefined, 20)],
  [20, (ask) => ask('POST', '/upload', Buffer.alloc(2_000_000, 32), 5)],
  [15, (ask) => ask('GET', '/stream')],
  [15, (ask) => ask('GET', '/stream', undefined, 120)],
  [5, (ask) => ask('GET', '/events')],
  [5, (ask, i) => ask('GET', `/scan/${i}/${Math.random()}`)],
]
const TOTAL = MIX.reduce((sum, [weight]) => sum + weight, 0)

function pick() {
  let at = Math.random() * TOTAL
  for (const [weight, act] of MIX) {
    at -= weight
    if (at < 0) return act
  }
  return MIX[0][1]
}

/** Sends one request; `leave` is after how many milliseconds the caller goes away. Resolves however it ends. */
function asker(port, agent) {
  return (method, path, body, leave) =>
    new Promise((resolve) => {
      const headers = { 'x-api-key': `key-${(Math.random() * 50) | 0}`, 'content-type': 'application/json' }
      const request = http.request({ port, host: '127.0.0.1', method, path, headers, agent }, (response) => {
        response.resume().on('close', resolve).on('error', resolve)
      })
      request.on('error', resolve)
      request.on('close', resolve)
      if (leave !== undefined) setTimeout(() => request.destroy(), leave)
      request.end(body)
    })
}

/**
 * Runs for `seconds` at `rate` requests per second, sampled every `every` seconds.
 * @returns {Promise<{ samples: object[], served: number, outgoing: number, asked: number }>} memory in bytes
 */
export async function soak({ endpoint, seconds, rate, every, onSample = () => {} }) {
  const child = fork(file('app.cjs'), {
    execArgv: ['--expose-gc', '--require', file('../../agent/dist/register.js')],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, CALLSIGHT_KEY_SECRET: 'soak' },
  })
  const [{ port }] = await once(child, 'message')
  const agent = new http.Agent({ keepAlive: true, maxSockets: 200 })
  const ask = asker(port, agent)
  const samples = []
  const sample = async () => {
    child.send('sample')
    const [found] = await once(child, 'message')
    samples.push({ second: Math.round((performance.now() - begun) / 1000), ...found })
    onSample(samples.at(-1))
  }
  const begun = performance.now()
  let asked = 0
  let open = 0
  let nextSample = every
  for (;;) {
    const elapsed = (performance.now() - begun) / 1000
    if (elapsed >= seconds) break
    // An open loop: a slow answer does not slow the callers down, up to what one machine can hold open.
    for (; asked < elapsed * rate && open < 2000; asked++) {
      open += 1
      pick()(ask, asked).then(() => {
        open -= 1
      })
    }
    if (elapsed >= nextSample) {
      nextSample += every
      await sample()
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  while (open > 0) await new Promise((resolve) => setTimeout(resolve, 20))
  agent.destroy()
  child.send('rest')
  await once(child, 'message')
  await sample()
  const { served, outgoing } = samples.at(-1)
  child.kill('SIGTERM')
  await once(child, 'exit')
  return { samples, served, outgoing, asked }
}
