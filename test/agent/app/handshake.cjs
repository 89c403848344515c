// Requests that ask for the connection itself, and requests that the parser refuses.
const http = require('node:http')
const https = require('node:https')
const crypto = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')
const callsight = require('@callsight/agent')
const { listening, port } = require('./listen.cjs')

const tls = (name) => fs.readFileSync(path.join(__dirname, '..', 'tls', name))
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

const upgrades = {
  '/chat': (req, socket) => {
    callsight.setConsumer({ id: 'chatter' })
    const accept = crypto
      .createHash('sha1')
      .update(req.headers['sec-websocket-key'] + GUID)
      .digest('base64')
    const head = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
    socket.write(`${head}Sec-WebSocket-Accept: ${accept}\r\n\r\n`)
    // An echo, byte for byte.
    socket.on('data', (chunk) => socket.write(chunk))
    socket.on('end', () => socket.end())
  },
  '/refused': (_, socket) => socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 4\r\n\r\nwho?'),
  '/in-parts': (_, socket) => {
    for (const part of ['HTTP/1.1 4', '03 Forbidden\r\n', 'Content-Length: 2\r\n\r', '\nno']) socket.write(part)
    socket.end()
  },
  '/by-response': (req, socket) => {
    const res = new http.ServerResponse(req)
    res.assignSocket(socket)
    res.writeHead(503, { 'content-length': 4, connection: 'close' })
    res.end('busy', () => socket.end())
  },
  '/destroyed': (_, socket) => socket.destroy(),
  '/hang': (_, socket) => {
    console.log('hanging')
    socket.on('end', () => socket.destroy()).resume()
  },
  '/elsewhere': (req, socket, head) => second.emit('upgrade', req, socket, head),
}

const answer = (req, res) => {
  let size = 0
  req.on('data', (chunk) => {
    size += chunk.length
  })
  req.on('end', () => res.end(String(size)))
}
const upgrade = (req, socket, head) => upgrades[req.url](req, socket, head)

const second = http.createServer()
second.on('upgrade', (_, socket) => socket.end('HTTP/1.1 404 Not Found\r\n\r\n'))

const mode = process.env.APP_MODE
const options = {
  requestTimeout: 400,
  headersTimeout: 200,
  connectionsCheckingInterval: 50,
  keepAliveTimeout: 5000,
  handshakeTimeout: 300,
}
const server =
  mode === 'https'
    ? https.createServer({ ...options, key: tls('key.pem'), cert: tls('cert.pem') }, answer)
    : http.createServer(options, answer)
if (mode !== 'deaf') {
  server.on('upgrade', upgrade)
  server.on('connect', (_, socket) => {
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
    socket.on('data', (chunk) => socket.write(chunk)).on('end', () => socket.end())
  })
}
if (mode === 'clientError') {
  server.on('clientError', (error, socket) => {
    console.log(`refused ${error.code}`)
    if (socket.writable) socket.end('HTTP/1.1 422 Unprocessable Content\r\nContent-Length: 3\r\n\r\nno!')
  })
}
if (mode === 'expect') {
  server.on('checkContinue', (req, res) => {
    if (req.headers['content-length'] === '5') {
      res.writeContinue()
      answer(req, res)
    } else {
      res.writeHead(417)
      res.end()
    }
  })
  server.on('checkExpectation', (_, res) => {
    res.statusCode = 418
    res.end()
  })
}
server.listen(port, '127.0.0.1', () => listening(server))
