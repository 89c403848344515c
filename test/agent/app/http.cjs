// Raw http, one path for each thing that can happen to a call.
const http = require('node:http')
const zlib = require('node:zlib')
const { setTimeout: sleep } = require('node:timers/promises')
const { listening, port } = require('./listen.cjs')

const counts = (emitter) =>
  Object.fromEntries(emitter.eventNames().map((name) => [String(name), emitter.listenerCount(name)]))

/** When each connection came. */
const connections = new WeakMap()

const paths = {
  '/text': (_, res) => res.end('hällo'),
  '/hex': (_, res) => {
    res.write('00ff10', 'hex')
    res.end('aGVsbG8=', 'base64')
  },
  '/chunked': (_, res) => {
    const answers = [res.write('one,'), res.write(Buffer.from('two,'), () => {}), res.write('three,', 'latin1')]
    res.end(JSON.stringify(answers))
  },
  '/gzip': (_, res) => {
    res.setHeader('content-encoding', 'gzip')
    const gzip = zlib.createGzip()
    gzip.pipe(res)
    gzip.end('x'.repeat(50_000))
  },
  '/none': (_, res) => {
    res.statusCode = 204
    res.end('ignored')
  },
  '/same': (_, res) => {
    res.statusCode = 304
    res.end()
  },
  '/fail': (_, res) => {
    res.statusCode = 500
    res.end('no')
  },
  '/gateway': (_, res) => {
    res.statusCode = 504
    res.end('late')
  },
  '/late': async (_, res) => {
    await sleep(80)
    res.write('first')
    await sleep(40)
    res.end('second')
  },
  // What the agent may measure at least and at most, whatever the machine is busy with: [time to first byte], [total].
  '/timed': async (req, res) => {
    const connected = connections.get(req.socket)
    const begun = performance.now()
    await sleep(15)
    const first = [performance.now() - begun]
    res.write('first')
    first.push(performance.now() - connected)
    await sleep(15)
    const total = [performance.now() - begun]
    res
      .end('second')
      .on('close', () =>
        setImmediate(() => console.log(`timed ${JSON.stringify([first, [...total, performance.now() - connected]])}`)),
      )
  },
  '/read': async (req, res) => {
    let size = 0
    console.log('reading')
    try {
      for await (const chunk of req) size += chunk.length
      res.end(String(size))
    } catch {
      // The client left in the middle of its body.
    }
  },
  '/unread': (_, res) => {
    res.statusCode = 413
    res.end('too large')
  },
  '/hang': () => console.log('hanging'),
  '/part': (_, res) => res.write('part'),
  '/broken': (_, res) => {
    res.write('part')
    setImmediate(() => res.destroy())
  },
  '/short': (_, res) => {
    res.writeHead(200, { 'content-length': 100, connection: 'close' })
    res.end('not that much')
  },
  '/close-all': (_, res) => {
    res.write('part')
    setImmediate(() => server.closeAllConnections())
  },
  '/drop': (req) => setImmediate(() => req.destroy()),
  '/drop-socket': (req) => setImmediate(() => req.socket.destroy(new Error('on purpose'))),
  '/slow': (req, res) => {
    req.socket.setTimeout(60, () => {})
    res.setTimeout(60, () => {
      res.statusCode = 503
      res.end('too slow')
    })
  },
  '/crash': (_, res) => {
    res.write('part')
    setImmediate(() => {
      throw new Error('on purpose')
    })
  },
  '/exit': () => process.exit(3),
  '/silent': (req) => req.socket.setTimeout(60),
  '/listeners': (req, res) => {
    const { socket } = req
    res.end(
      JSON.stringify({
        req: counts(req),
        res: counts(res),
        socket: counts(socket),
        server: counts(socket.server),
        flowing: req.readableFlowing,
        own: Object.getOwnPropertyNames(res).sort(),
        lengths: ['write', 'end', 'emit', 'destroy', 'flushHeaders'].map((name) => res[name].length),
      }),
    )
  },
}

const server = http.createServer((req, res) => {
  res.sendDate = false
  const path = req.url.split('?')[0]
  if (paths[path] !== undefined) paths[path](req, res)
  else if (/^\/users\/\d+$/.test(path)) res.end('{}')
  else {
    res.statusCode = 404
    res.end()
  }
})
server.on('connection', (socket) => connections.set(socket, performance.now()))
server.listen(port, '127.0.0.1', () => listening(server))
