// Raw http with bodies of all kinds, for what a call keeps of them.
const http = require('node:http')
const zlib = require('node:zlib')
const { listening, port } = require('./listen.cjs')

const answer = JSON.stringify({ hello: 'wörld', list: [1, 2, 3] })
const json = { 'content-type': 'application/json; charset=utf-8' }

async function read(req) {
  const chunks = []
  for await (const chunk of req) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const paths = {
  '/echo': async (req, res) => {
    const body = await read(req)
    // As frameworks do it that set no header but in writeHead.
    res.writeHead(200, { 'content-type': req.headers['content-type'], 'X-Answer': ['a', 'b'] })
    res.write(body.subarray(0, 3))
    res.end(body.subarray(3))
  },
  '/fail': async (req, res) => {
    await read(req)
    res.writeHead(500, json).end(answer)
  },
  '/slow': (_, res) => setTimeout(() => res.writeHead(200, json).end(answer), 120),
  '/hex': (_, res) => {
    res.setHeader('content-type', 'application/json')
    res.write('7b226865782', 'latin1')
    res.end(Buffer.from('": true}').toString('hex'), 'hex')
  },
  '/bomb': (_, res) => {
    // 40 MB of blanks in some bytes.
    const body = zlib.brotliCompressSync(Buffer.alloc(40_000_000, 32))
    res.writeHead(200, { ...json, 'content-encoding': 'br' }).end(body)
  },
  '/garbage': (_, res) => res.writeHead(200, { ...json, 'content-encoding': 'gzip' }).end('this is not gzip'),
  '/events': (_, res) => res.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: secret stream\n\n'),
  '/image': (_, res) => res.writeHead(200, { 'content-type': 'image/png' }).end(Buffer.alloc(100)),
  '/broken': (_, res) => {
    res.writeHead(200, json)
    res.write('{"half":')
    setImmediate(() => res.destroy())
  },
}
for (const [name, pack] of Object.entries({
  gzip: zlib.gzipSync,
  deflate: zlib.deflateSync,
  br: zlib.brotliCompressSync,
})) {
  paths[`/${name}`] = (_, res) => res.writeHead(200, { ...json, 'content-encoding': name }).end(pack(answer))
}

const server = http.createServer((req, res) => {
  const path = req.url.split('?')[0]
  if (paths[path] !== undefined) paths[path](req, res)
  else res.writeHead(404, json).end(answer)
})
server.listen(port, '127.0.0.1', () => listening(server))
