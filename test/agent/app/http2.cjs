// HTTP/2 in its two APIs, plain and secure, and HTTP/1 beside it on the secure one. One path for each thing that can
// happen to a call.
const fs = require('node:fs')
const http2 = require('node:http2')
const path = require('node:path')
const callsight = require('@callsight/agent')
const { listening } = require('./listen.cjs')

const tls = (name) => fs.readFileSync(path.join(__dirname, '..', 'tls', name))
const FILE = path.join(__dirname, 'http2.cjs')

const compat = {
  '/text': (_, res) => res.end('hällo'),
  '/parts': (_, res) => {
    res.writeHead(201, { 'content-type': 'text/plain' })
    res.write('00ff10', 'hex')
    res.end('aGVsbG8=', 'base64')
  },
  '/none': (_, res) => {
    res.statusCode = 204
    res.end()
  },
  '/trailers': (_, res) => {
    res.write('body')
    res.addTrailers({ 'x-sum': '4' })
    res.end()
  },
  '/early': (_, res) => {
    res.writeEarlyHints({ link: '</style.css>; rel=preload' })
    res.end('after hints')
  },
  '/read': (req, res) => {
    let size = 0
    req.on('data', (chunk) => {
      size += chunk.length
    })
    req.on('end', () => {
      // The stream's events come from the connection: the call must be known here all the same.
      callsight.setConsumer({ id: `read ${req.headers['x-who']}` })
      res.end(String(size))
    })
  },
  '/whole': async (req, res) => {
    let size = 0
    for await (const chunk of req) size += chunk.length
    callsight.setConsumer({ id: `whole ${req.headers['x-who']}` })
    res.end(String(size))
  },
  '/unread': (_, res) => {
    res.statusCode = 413
    res.end('too large')
  },
  '/hang': () => console.log('hanging'),
  '/part': (_, res) => {
    res.write('part')
    console.log('part')
  },
  '/broken': (_, res) => {
    res.write('part')
    setImmediate(() => res.stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR))
  },
  '/destroyed': (_, res) => {
    res.write('part')
    setImmediate(() => res.destroy(new Error('on purpose')))
  },
  '/session': (req, res) => {
    res.write('part')
    setImmediate(() => req.stream.session.destroy())
  },
  '/short': (_, res) => {
    res.writeHead(200, { 'content-length': '10' })
    res.end('short')
  },
  '/silent': (req, res) => {
    req.stream.setTimeout(40, () => {
      res.statusCode = 503
      res.end()
    })
  },
  '/push': (_, res) => {
    res.createPushResponse({ ':path': '/pushed' }, (error, pushed) => {
      pushed?.end('pushed')
      res.end(error ? error.code : 'with a push')
    })
  },
}

const streams = {
  '/stream/text': (stream) => {
    stream.respond({ ':status': 202, 'content-type': 'text/plain' })
    stream.end('streamed')
  },
  '/stream/implied': (stream) => stream.end('implied'),
  '/stream/empty': (stream) => stream.respond({ ':status': 304 }, { endStream: true }),
  '/stream/trailers': (stream) =>
    setImmediate(() => {
      // The compatibility API of the same server, set up by now, would send its own.
      stream.removeAllListeners('wantTrailers')
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      stream.respond({ ':status': 200 }, { waitForTrailers: true })
      stream.end('body')
    }),
  '/stream/file': (stream) =>
    stream.respondWithFile(FILE, { 'content-type': 'text/plain' }, { offset: 10, length: 500 }),
  '/stream/fd': (stream) => {
    const fd = fs.openSync(FILE)
    stream.respondWithFD(fd, {})
    stream.on('close', () => fs.closeSync(fd))
  },
  '/stream/read': (stream, headers) => {
    let size = 0
    stream.on('data', (chunk) => {
      size += chunk.length
    })
    stream.on('end', () => {
      callsight.setConsumer({ id: `stream ${headers['x-who']}` })
      stream.end(String(size))
    })
  },
  '/stream/pipe': (stream) => stream.pipe(stream),
}

function serve(server) {
  server.on('stream', (stream, headers) => streams[headers[':path']]?.(stream, headers))
  server.on('request', (req, res) => {
    const known = compat[req.url]
    if (known !== undefined) known(req, res)
    else if (req.url === '/http1') res.end(req.httpVersion)
    else if (streams[req.url] === undefined) {
      res.statusCode = 404
      res.end()
    }
  })
  server.on('connect', (_, res) => {
    res.statusCode = 403
    res.end()
  })
  return server
}

const plain = serve(http2.createServer())
const secure = serve(http2.createSecureServer({ key: tls('key.pem'), cert: tls('cert.pem'), allowHTTP1: true }))
secure.listen(0, '127.0.0.1', () => {
  console.log(`secure ${secure.address().port}`)
  plain.listen(0, '127.0.0.1', () => listening(plain))
})
// An error of a stream is the stream's own business.
process.on('uncaughtException', (error) => {
  if (!/on purpose|INTERNAL_ERROR/.test(error.message)) throw error
})
