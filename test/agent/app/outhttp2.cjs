// What can happen to a stream of HTTP/2, one case after the other; prints what each has come to.
const http2 = require('node:http2')
const [origin] = process.argv.slice(2)

const counts = (emitter) =>
  Object.fromEntries(
    emitter
      .eventNames()
      .map((name) => [String(name), emitter.listenerCount(name)])
      .sort(),
  )

/** One stream on a connection of its own, until it is closed. */
const ask = (path, act = () => {}, headers = {}) =>
  new Promise((resolve) => {
    const session = http2.connect(origin).on('error', () => {})
    const stream = session.request({ ':path': path, ...headers })
    let error
    stream.on('error', (cause) => {
      error = cause.message
    })
    stream.on('close', () => {
      resolve({ error, code: stream.rstCode })
      session.close()
    })
    if (act(stream, session) !== false) stream.resume()
  })
const soon = (run) => setTimeout(run, 30)

const cases = {
  close: () => ask('/hang/close', (stream) => void soon(() => stream.close(http2.constants.NGHTTP2_CANCEL))),
  destroy: () => ask('/hang/destroy', (stream) => void soon(() => stream.destroy())),
  'destroy with an error': () => ask('/hang/error', (stream) => void soon(() => stream.destroy(new Error('enough')))),
  'destroy at once': () => ask('/hang/once', (stream) => void stream.destroy()),
  'destroy the connection': () => ask('/hang/session', (_, session) => void soon(() => session.destroy())),
  timeout: () => ask('/hang/timeout', (stream) => void stream.setTimeout(40, () => stream.close(8))),
  refused: () => ask('/refused'),
  gone: () => ask('/gone'),
  unread: () =>
    ask('/text/unread', (_, session) => {
      setTimeout(() => session.destroy(), 60)
      return false
    }),
  intake: () => ask('/opentelemetry.proto.collector.trace.v1.TraceService/Export'),
  async listeners() {
    let before
    let answered
    await ask('/text/listeners', (stream) => {
      before = { ...counts(stream), own: Object.getOwnPropertyNames(stream).sort(), flowing: stream.readableFlowing }
      stream.on('response', () => {
        answered = counts(stream)
      })
    })
    const lengths = ['write', 'end', 'push', 'emit', 'close', 'destroy']
    const session = http2.connect(origin)
    const stream = session.request({ ':path': '/text/lengths' })
    const methods = lengths.map((name) => stream[name].length)
    await new Promise((resolve) => stream.resume().on('close', resolve))
    session.close()
    return { before, answered, methods, connect: http2.connect.length, request: session.request.length }
  },
  async 'many on one connection'() {
    const session = http2.connect(origin)
    const one = (i) =>
      new Promise((resolve) => {
        const stream = session.request({ ':method': 'POST', ':path': `/shared/${i}` })
        stream.resume().on('close', resolve)
        stream.write('a'.repeat(i))
        stream.end(Buffer.alloc(i))
      })
    await Promise.all(Array.from({ length: 10 }, (_, i) => one(i)))
    session.close()
  },
}

async function main() {
  const results = {}
  for (const name in cases) results[name] = (await cases[name]()) ?? null
  console.log(JSON.stringify(results))
  process.exit()
}
process.on('uncaughtException', (error) => {
  console.log(`uncaught ${error.stack}`)
  process.exit(1)
})
main()
