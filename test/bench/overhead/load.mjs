import { once } from 'node:events'
import { connect } from 'node:net'

/*
 * Makes the requests: over plain sockets, since a generator has to be lighter than what it measures, and so that a turn ends with every request
 * answered and none broken off.
 */

/** Who calls: the keys of several consumers. */
const KEYS = ['key-of-acme', 'key-of-bolt', 'key-of-corn', 'key-of-dune', 'key-of-echo']

/** The mix: of eight requests, five ask for a book, one for a list, two order (a body of about 0.5 KB). */
const requests = Array.from({ length: 40 }, (_, i) => {
  const common = `host: shop.example.com\r\nuser-agent: bench/1.0\r\naccept: application/json\r\nx-api-key: ${KEYS[i % KEYS.length]}\r\n`
  if (i % 4 !== 3)
    return Buffer.from(`GET ${i % 8 === 4 ? `/books?from=${i}` : `/books/${(i * 9) % 200}`} HTTP/1.1\r\n${common}\r\n`)
  const body = JSON.stringify({
    customer: { name: `Customer ${i}`, email: `customer${i}@example.com`, phone: '+49 30 1234567' },
    payment: { kind: 'card', card: '4111 1111 1111 1111', expires: '12/29', holder: `Customer ${i}` },
    delivery: { street: 'Main Street 1', city: 'Berlin', notes: ['ring twice', 'leave at the door'] },
    items: Array.from({ length: 4 }, (_, n) => ({ id: (i * 7 + n) % 200, count: n + 1, note: `gift wrap ${n}` })),
  })
  const head = `POST /customers/${i}/orders HTTP/1.1\r\n${common}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`
  return Buffer.from(head + body)
})

/** One connection with at most one request under way. */
class Connection {
  #socket
  #text = ''
  #answered

  /** `answered(connection)` is called after every complete answer. */
  static async open(port, answered) {
    const connection = new Connection()
    connection.#answered = answered
    connection.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(connection.#socket, 'connect')
    connection.#socket.setEncoding('latin1').on('data', (text) => connection.#read(text))
    return connection
  }

  send(number) {
    this.#socket.write(requests[number % requests.length])
  }

  close() {
    this.#socket.end()
  }

  #read(text) {
    this.#text += text
    const head = this.#text.indexOf('\r\n\r\n')
    if (head < 0) return
    const length = /\r\ncontent-length: *(\d+)/i.exec(this.#text)
    if (!/^HTTP\/1.1 20/.test(this.#text) || length === null) throw new Error(`bad answer: ${this.#text.slice(0, 300)}`)
    if (this.#text.length < head + 4 + Number(length[1])) return
    this.#text = ''
    this.#answered(this)
  }
}

const openAll = (port, count, answered) =>
  Promise.all(Array.from({ length: count }, () => Connection.open(port, answered)))

/** As many requests as `connections` can make one after the other, for some seconds. Returns their number per second. */
export async function saturate(port, seconds, connections = 20) {
  let sent = 0
  let open = connections
  let over
  const ended = new Promise((resolve) => {
    over = resolve
  })
  let deadline = Number.POSITIVE_INFINITY
  const all = await openAll(port, connections, (connection) => {
    if (performance.now() < deadline) return connection.send(sent++)
    connection.close()
    open -= 1
    if (open === 0) over()
  })
  const begun = performance.now()
  deadline = begun + seconds * 1000
  for (const connection of all) connection.send(sent++)
  await ended
  return (sent / (performance.now() - begun)) * 1000
}

/** Of a turn the first part does not count: connections are opened then, and a server that has rested wakes up. */
const LEAD_SECONDS = 0.5

/**
 * `rate` requests per second, evenly spaced, whether the server keeps up or not. A request's latency counts from the moment it was due, so that a server that
 * stalls pays for every request that came meanwhile (no coordinated omission). Returns the latencies in milliseconds.
 */
export async function constant(port, rate, seconds, connections = 100) {
  const lead = Math.round(rate * LEAD_SECONDS)
  const count = lead + Math.round(rate * seconds)
  const latencies = []
  const waiting = []
  const due = new Map()
  const idle = []
  let answered = 0
  const all = await openAll(port, connections, (connection) => {
    const { number, at } = due.get(connection)
    answered += 1
    if (number >= lead) latencies.push(performance.now() - at)
    idle.push(connection)
  })
  idle.push(...all)
  const begun = performance.now() + 5
  let planned = 0
  while (answered < count) {
    const now = performance.now()
    for (; planned < count && begun + (planned / rate) * 1000 <= now; planned++) waiting.push(planned)
    while (waiting.length > 0 && idle.length > 0) {
      const number = waiting.shift()
      const connection = idle.pop()
      due.set(connection, { number, at: begun + (number / rate) * 1000 })
      connection.send(number)
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  for (const connection of all) connection.close()
  return latencies
}
