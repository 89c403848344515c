import { connect } from 'node:net'
import { constants, gzipSync } from 'node:zlib'
import { bodiesOf } from './bodies.mjs'
import { randomFrom } from './mix.mjs'
import { Template } from './patch.mjs'

/*
 * A process that sends OTLP/HTTP over plain sockets, told what to do by messages of its parent. It encodes nothing while it sends, so that it needs a
 * small part of its core. Compressed bodies cannot be changed in place: they are made beforehand, each is sent once.
 */

/** Bodies that wait at most, beyond those on their way: variety. */
const SPARE = 32
/** Memory for bodies compressed beforehand. */
const COMPRESSED_BYTES = 3e9
/** A request that was asked to come again does so after this many milliseconds, whatever the server would like. */
const RETRY_MS = 100

/** Bodies that are patched before each use. */
class Pool {
  constructor(kind, connections) {
    const random = randomFrom(3)
    const { lean, rich, share } = bodiesOf(kind, connections + SPARE)
    const templates = (bodies) => bodies.map((body) => new Template(body, random))
    this.lean = templates(lean)
    this.rich = templates(rich)
    this.share = share
    this.calls = 0
    this.richCalls = 0
  }

  /** A body with calls of its own; give it back when it is acknowledged. */
  take(now) {
    const fromRich = this.richCalls < this.share * this.calls
    const home = fromRich ? this.rich : this.lean
    const template = home.shift()
    template.renew(now)
    this.calls += template.calls.length
    if (fromRich) this.richCalls += template.calls.length
    return { bytes: template.body, calls: template.calls.length, release: () => home.push(template) }
  }
}

/** Bodies compressed beforehand. */
class Compressed {
  constructor(pool, calls) {
    this.pool = pool
    this.ready = []
    this.made = 0
    this.bytes = 0
    this.fill(calls)
  }

  fill(calls) {
    for (let made = 0; made < calls && this.bytes < COMPRESSED_BYTES; ) {
      const body = this.pool.take()
      // As our agent compresses.
      const bytes = gzipSync(body.bytes, { level: constants.Z_BEST_SPEED })
      this.ready.push({ bytes, calls: body.calls, release() {} })
      this.bytes += bytes.length
      made += body.calls
      body.release()
    }
  }

  take() {
    return this.ready.pop()
  }
}

/** One connection with at most one request under way. */
class Connection {
  constructor(socket, idle) {
    this.socket = socket
    this.idle = idle
    this.text = ''
    socket.setEncoding('latin1').on('data', (text) => this.read(text))
    socket.on('error', (error) => fail(`a connection broke: ${error.message}`))
    socket.on('close', () => this.work !== undefined && fail('the collector closed a connection that waits'))
  }

  static open({ host, port }, idle) {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true }, () => resolve(new Connection(socket, idle)))
      socket.once('error', reject)
    })
  }

  send(work) {
    this.work = work
    this.socket.cork()
    this.socket.write(`${head}content-length: ${work.body.bytes.length}\r\n\r\n`)
    this.socket.write(work.body.bytes)
    this.socket.uncork()
  }

  read(text) {
    this.text += text
    const end = this.text.indexOf('\r\n\r\n')
    if (end < 0) return
    const length = /\r\ncontent-length: *(\d+)/i.exec(this.text)
    if (length === null) return fail(`an answer without length: ${this.text.slice(0, 300)}`)
    if (this.text.length < end + 4 + Number(length[1])) return
    const answer = this.text
    this.text = ''
    const status = Number(answer.slice(9, 12))
    if (status === 429 || status === 503) {
      run.retries += 1
      return setTimeout(() => this.send(this.work), RETRY_MS)
    }
    if (status !== 200 || Number(length[1]) > 0) return fail(`not accepted as a whole: ${answer.slice(0, 500)}`)
    const { work } = this
    this.work = undefined
    run.latencies.push(performance.now() - work.at)
    run.calls += work.body.calls
    run.bytes += work.body.bytes.length
    work.body.release()
    this.idle(this)
  }
}

let head
let pool
let compressed
let target
let run

function fail(text) {
  process.send({ error: text })
  process.exit(1)
}

/** A phase: as much as the connections can carry, or `rate` calls a second whether the collector keeps up or not. */
async function send({ seconds, rate, connections }) {
  const began = performance.now()
  const cpu = process.cpuUsage()
  run = { calls: 0, bytes: 0, retries: 0, latencies: [] }
  const idle = []
  let planned = 0
  let dueAt = 0
  let finish
  const finished = new Promise((resolve) => {
    finish = resolve
  })
  const over = () =>
    performance.now() - began >= seconds * 1000 || (compressed !== undefined && compressed.ready.length === 0)
  const next = (connection) => {
    const now = performance.now() - began
    const ended = over() && (rate === undefined || dueAt >= seconds * 1000)
    if (ended) {
      idle.push(connection)
      if (idle.length === connections) finish()
      return
    }
    if (rate !== undefined && dueAt > now) {
      idle.push(connection)
      return
    }
    const body = (compressed ?? pool).take()
    if (body === undefined) return void idle.push(connection)
    const at = rate === undefined ? performance.now() : began + dueAt
    planned += body.calls
    if (rate !== undefined) dueAt = (planned / rate) * 1000
    connection.send({ body, at })
  }
  const all = await Promise.all(Array.from({ length: connections }, () => Connection.open(target, next)))
  for (const connection of all) next(connection)
  const clock =
    rate === undefined
      ? undefined
      : setInterval(() => {
          for (let i = idle.length; i > 0 && dueAt <= performance.now() - began; i--) next(idle.shift())
          if (idle.length === connections && (over() || dueAt >= seconds * 1000)) finish()
        }, 1)
  await finished
  clearInterval(clock)
  const took = (performance.now() - began) / 1000
  const { user, system } = process.cpuUsage(cpu)
  for (const { socket } of all) socket.destroy()
  return {
    ...run,
    latencies: summary(run.latencies),
    requests: run.latencies.length,
    seconds: took,
    cpu: (user + system) / 1e6,
  }
}

/** In milliseconds. */
function summary(latencies) {
  const sorted = Float64Array.from(latencies).sort()
  const at = (share) => sorted[Math.min(Math.floor(share * sorted.length), sorted.length - 1)] ?? 0
  return { p50: at(0.5), p99: at(0.99), max: at(1) }
}

const commands = {
  /** Makes the bodies; `calls` is how many have to be compressed beforehand. */
  prepare({ url, kind, gzip, connections, calls }) {
    target = { host: new URL(url).hostname, port: Number(new URL(url).port) }
    head = `POST /v1/traces HTTP/1.1\r\nhost: ${target.host}\r\ncontent-type: application/x-protobuf\r\n${gzip ? 'content-encoding: gzip\r\n' : ''}`
    pool ??= new Pool(kind, connections)
    if (gzip) {
      compressed ??= new Compressed(pool, 0)
      compressed.ready.length = compressed.bytes = 0
      compressed.fill(calls)
    }
    const [{ calls: some, body }] = pool.lean
    return { callsPerRequest: some.length, bytesPerCall: body.length / some.length }
  },
  send,
}

process.on('message', async ({ command, ...options }) => {
  try {
    process.send({ done: await commands[command](options) })
  } catch (error) {
    fail(String(error?.stack ?? error))
  }
})
process.on('disconnect', () => process.exit())
