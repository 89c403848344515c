// Says everything that a host could notice about its requests, responses and sockets. The same with an agent or without.
const http = require('node:http')
const zlib = require('node:zlib')
const { pipeline } = require('node:stream')
const { listening, port } = require('./listen.cjs')

const counts = (emitter) =>
  Object.fromEntries(emitter.eventNames().map((name) => [String(name), emitter.listenerCount(name)]))
// `_peername` is Node's memory of who the peer is, from the first time that anybody asked.
const own = (object) =>
  Object.getOwnPropertyNames(object)
    .filter((name) => name !== '_peername')
    .sort()
const lengths = (object, names) => names.map((name) => `${name}/${object[name].length}`)

/** What can be seen at this moment. */
const look = (req, res) => ({
  req: counts(req),
  res: counts(res),
  socket: counts(req.socket),
  server: counts(req.socket.server),
  own: [own(req), own(res), own(req.socket), own(req.socket.server)],
  flowing: req.readableFlowing,
  length: req.readableLength,
  methods: [
    lengths(req, ['push', 'read', 'on', 'emit', 'pipe']),
    lengths(res, ['write', 'end', 'emit', 'destroy', 'flushHeaders', 'writeHead', 'setHeader']),
    lengths(req.socket, ['write', 'end', 'destroy', 'emit']),
    lengths(req.socket.server, ['emit', 'on', 'close']),
  ],
})

const deepFreeze = (value) => {
  if (typeof value !== 'object' || value === null) return value
  Object.values(value).forEach(deepFreeze)
  return Object.freeze(value)
}
const attempt = (run) => {
  try {
    return String(run())
  } catch (error) {
    return `${error.name} ${error.code} ${error.message}`
  }
}
const collect = (req, res, note) => {
  req.on('end', () => res.end(JSON.stringify(note)))
}

const paths = {
  '/look': (req, res) => {
    const before = look(req, res)
    req.resume().on('end', () => res.end(JSON.stringify([before, look(req, res)])))
  },
  '/data': (req, res) => {
    const chunks = []
    req.on('data', (chunk) => chunks.push([chunk.constructor.name, chunk.length]))
    collect(req, res, chunks)
  },
  '/encoding': (req, res) => {
    const chunks = []
    req.setEncoding('utf8').on('data', (chunk) => chunks.push(chunk))
    collect(req, res, chunks)
  },
  '/paused': (req, res) => {
    const states = [req.readableFlowing]
    const chunks = []
    req.on('data', (chunk) => {
      chunks.push(chunk.length)
      req.pause()
      states.push(req.readableFlowing, req.isPaused())
      setImmediate(() => req.resume())
    })
    collect(req, res, { states, chunks })
  },
  '/await': async (req, res) => {
    const chunks = []
    for await (const chunk of req) chunks.push(chunk.length)
    res.end(JSON.stringify(chunks))
  },
  '/readable': (req, res) => {
    let text = ''
    req.on('readable', () => {
      for (let chunk = req.read(3); chunk !== null; chunk = req.read(3)) text += `${chunk}|`
    })
    req.on('end', () => res.end(text))
  },
  '/gzip': (req, res) => {
    const ends = []
    pipeline(req, zlib.createGunzip(), zlib.createGzip({ level: 1 }), res, (error) => {
      ends.push(error?.code ?? 'done')
      console.log(`pipeline ${ends}`)
    })
  },
  '/writes': (_, res) => {
    const order = []
    const note = (name) => (error) => order.push(`${name}${error ? error.code : ''}`)
    res.on('finish', () => order.push('finish')).on('close', () => console.log(`order ${order.join()}`))
    order.push(res.write('äöü', note('a')), res.write('00ff', 'hex', note('b')), res.write('AAAA', 'base64'))
    order.push(res.write(new Uint8Array([65, 66]), note('c')), res.write('\u00fc', 'latin1'))
    order.push(
      res.write(''),
      res.cork(),
      res.write('corked'),
      res.uncork(),
      res.end('last', 'ascii', note('d')) === res,
    )
  },
  '/end-callback': (_, res) => res.end(() => console.log(`ended ${res.writableFinished}`)),
  '/after-end': (_, res) => {
    res.on('error', (error) => console.log(`error ${error.code}`))
    res.end('all')
    console.log(`late ${res.write('more', (error) => console.log(`late ${error.code}`))}`)
    res.end('again', (error) => console.log(`again ${error?.code}`))
  },
  '/errors': (req, res) => {
    const found = [
      attempt(() => res.write(null)),
      attempt(() => res.write(7)),
      attempt(() => res.setHeader('x', 'a\r\nb: c')),
      attempt(() => res.setHeader('a b', 'c')),
      attempt(() => res.writeHead(99)),
      attempt(() => res.writeHead(200, { y: 'a\nb' })),
      attempt(() => req.setEncoding('nonsense')),
    ]
    res.end(JSON.stringify(found))
  },
  '/write-head-twice': (_, res) => {
    res.writeHead(200, ['x-a', '1', 'X-B', '2', 'x-a', '3'])
    res.end(attempt(() => res.writeHead(201)))
  },
  '/frozen': (req, res) => {
    deepFreeze(req.headers)
    deepFreeze(req.rawHeaders)
    Object.freeze(Object.getPrototypeOf(req))
    const headers = deepFreeze({ 'x-frozen': 'yes', 'content-type': 'application/json' })
    req.resume().on('end', () => res.writeHead(200, headers).end('{}'))
  },
  '/early': (_, res) => {
    res.writeHead(413, { connection: 'close' })
    res.end('too large')
  },
  '/early-keep': (_, res) => {
    res.writeHead(413)
    res.end('too large')
  },
  // Nobody reads: what lies in the buffers must not grow, and the rest stays in the network.
  '/unread': (req, res) => {
    const at = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
    at(250).then(() => {
      const { readableFlowing, readableLength, readableHighWaterMark, readableDidRead } = req
      const full = readableLength <= readableHighWaterMark + 65_536 && readableLength > 0
      res.writeHead(200, { connection: 'close' })
      res.end(JSON.stringify({ readableFlowing, readableDidRead, full, all: req.complete }))
    })
  },
  '/process': (_, res) => {
    const names = ['uncaughtException', 'unhandledRejection', 'warning', 'SIGHUP', 'SIGPIPE', 'message']
    res.end(JSON.stringify(names.map((name) => process.listenerCount(name))))
  },
  '/trailers': (req, res) => {
    req.resume().on('end', () => {
      res.writeHead(200, { trailer: 'x-sum' })
      res.write(JSON.stringify(req.trailers))
      res.addTrailers({ 'x-sum': '1' })
      res.end()
    })
  },
  '/hints': (_, res) => {
    res.writeEarlyHints({ link: '</a.css>; rel=preload' })
    res.writeProcessing()
    res.flushHeaders()
    res.end('hinted')
  },
  // Everything that happens to a call, until its connection is closed.
  '/events': (req, res) => {
    const seen = []
    const note = (who) => (name) => (error) => seen.push(`${who} ${name}${error?.code ? ` ${error.code}` : ''}`)
    for (const name of ['aborted', 'error', 'end', 'close']) req.on(name, note('req')(name))
    for (const name of ['finish', 'error', 'close']) res.on(name, note('res')(name))
    req.socket.once('close', () => setImmediate(() => console.log(`events ${seen.sort().join(', ')}`)))
    console.log('begun')
    const mode = new URL(req.url, 'http://x').searchParams.get('mode')
    if (mode === 'read') req.resume()
    if (mode === 'part') res.write('part')
    if (mode === 'answer') req.resume().on('end', () => res.end('answer'))
  },
}

const server = http.createServer((req, res) => {
  res.sendDate = false
  const handle = paths[req.url.split('?')[0]]
  if (handle !== undefined) handle(req, res)
  else res.writeHead(404).end()
})
server.listen(port, '127.0.0.1', () => listening(server))
