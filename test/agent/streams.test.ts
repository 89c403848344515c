import { createHash } from 'node:crypto'
import { type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '../until.ts'
import { type Host, serve } from './host.ts'
import { type Receiver, startReceiver } from './receiver.ts'

/*
 * Large and long streams, both ways, with and without the agent. CALLSIGHT_LONG_TESTS=1 keeps the server-sent events
 * going for a minute instead of two seconds.
 */

let receiver: Receiver

beforeEach(async () => {
  receiver = await startReceiver()
})
afterEach(() => receiver.close())

const CHUNK = Buffer.alloc(64 * 1024)
for (let i = 0; i < CHUNK.length; i++) CHUNK[i] = 32 + (i % 90)
const CHUNKS = 1600
const SIZE = CHUNKS * CHUNK.length
const HASH = (() => {
  const hash = createHash('sha256')
  for (let i = 0; i < CHUNKS; i++) hash.update(CHUNK)
  return hash.digest('hex')
})()
const MB = 1024 * 1024
const LONG = process.env.CALLSIGHT_LONG_TESTS === '1'

function* chunks(): Generator<Buffer> {
  for (let i = 0; i < CHUNKS; i++) yield CHUNK
}

/** Starts an answer; with a body it is sent at the same time. */
function ask(host: Host, path: string, body?: Readable): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'text/plain' }
    const outgoing = request({ port: host.port, path, method: body ? 'POST' : 'GET', agent: false, headers }, resolve)
    outgoing.on('error', reject)
    if (body === undefined) outgoing.end()
    else pipeline(body, outgoing).catch(reject)
  })
}

async function text(answer: Promise<IncomingMessage>): Promise<string> {
  let whole = ''
  for await (const chunk of (await answer).setEncoding('utf8')) whole += chunk
  return whole
}

/** Reads at its leisure, and says what it was. */
async function digest(answer: Promise<IncomingMessage>): Promise<{ size: number; hash: string }> {
  const hash = createHash('sha256')
  let size = 0
  let read = 0
  for await (const chunk of await answer) {
    size += chunk.length
    hash.update(chunk)
    read += 1
    if (read % 32 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return { size, hash: hash.digest('hex') }
}

const memory = async (host: Host): Promise<{ peak: number; heap: number }> =>
  JSON.parse(await text(ask(host, '/memory')))
const plain = () => serve('streams.cjs', { node: ['--expose-gc'] })
const watched = (bodies = 'all') =>
  serve('streams.cjs', {
    node: ['--expose-gc'],
    collector: receiver.url,
    env: { CALLSIGHT_CAPTURE_BODIES: bodies },
  })

test('100 MB up to a slow reader, down to a slow client, and through: every byte, and no memory for it', async () => {
  const run = async (host: Host) => {
    const up = JSON.parse(await text(ask(host, '/up', Readable.from(chunks()))))
    expect(up).toEqual({ size: SIZE, hash: HASH })
    expect(await digest(ask(host, `/down?chunks=${CHUNKS}`))).toEqual({ size: SIZE, hash: HASH })
    expect(await digest(ask(host, '/through', Readable.from(chunks())))).toEqual({ size: SIZE, hash: HASH })
    const { peak } = await memory(host)
    const { stdout, stderr } = await host.stop()
    expect(stderr).toBe('')
    return { peak, said: stdout.replace(/listening \d+/, '').trim() }
  }
  const without = await run(await plain())
  const within = await run(await watched())
  expect(without.said).toBe('down true true true')
  expect(within.said).toBe(without.said)
  expect(within.peak).toBeLessThan(without.peak + 40 * MB)
  const sizes = receiver.calls.map(({ name, attributes }) => {
    return [name, attributes['http.request.body.size'] ?? 0, attributes['http.response.body.size']]
  })
  expect(sizes.slice(0, 3)).toEqual([
    ['POST /up', SIZE, expect.any(Number)],
    ['GET /down', 0, SIZE],
    ['POST /through', SIZE, SIZE],
  ])
})

test('a client that stops reading stops the application, as without the agent', async () => {
  const run = async (host: Host) => {
    const socket = connect(host.port, '127.0.0.1', () =>
      socket.write('GET /down?chunks=1600 HTTP/1.1\r\nhost: x\r\n\r\n'),
    )
    socket.on('error', () => {})
    await new Promise<void>((resolve) => socket.once('readable', resolve))
    // Nobody reads any more: the application is held up by the network, and only what fits into buffers was taken.
    await until('a standstill', async () => {
      const { bytesRead } = socket
      await memory(host)
      return socket.bytesRead === bytesRead
    })
    const { heap } = await memory(host)
    socket.destroy()
    await until('the end', () => host.output().stdout.includes('down'))
    await host.stop()
    return { heap, said: host.output().stdout.replace(/listening \d+/, '') }
  }
  const without = await run(await plain())
  const within = await run(await watched())
  expect(within.said).toBe(without.said)
  expect(within.heap).toBeLessThan(without.heap + 10 * MB)
  const down = receiver.calls.find(({ name }) => name === 'GET /down')!
  expect(down.attributes['callsight.outcome']).toBe('aborted')
  expect(down.attributes['http.response.body.size']).toBeLessThan(SIZE / 4)
})

test(
  'server-sent events: the same events, one record at the end, nothing kept of them',
  async () => {
    const events = LONG ? 6000 : 200
    const run = async (host: Host) => {
      await text(ask(host, '/events?events=1'))
      const before = (await memory(host)).heap
      const listeners = Array.from({ length: 20 }, () => text(ask(host, `/events?events=${events}`)))
      const heard = await Promise.all(listeners)
      for (const one of heard) expect(one.match(/^id: /gm)).toHaveLength(events)
      const { heap } = await memory(host)
      expect((await host.stop()).stderr).toBe('')
      return { bytes: heard[0]!.length, growth: heap - before }
    }
    const without = await run(await plain())
    const within = await run(await watched())
    expect(within.bytes).toBe(without.bytes)
    expect(within.growth).toBeLessThan(without.growth + 4 * MB)
    const streams = receiver.calls.filter(({ name }) => name === 'GET /events').slice(1)
    expect(streams).toHaveLength(20)
    for (const { durationMs, attributes } of streams) {
      expect(durationMs).toBeGreaterThan(events * 10 * 0.9)
      expect(Number(attributes['callsight.ttfb_us']) / 1000).toBeLessThan(durationMs / 2)
      expect(attributes['http.response.body.size']).toBe(within.bytes)
      expect(attributes['http.response.body.content']).toBeUndefined()
    }
  },
  LONG ? 300_000 : 30_000,
)
