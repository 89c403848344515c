// Large and long streams, and how much memory they took.
const { createHash } = require('node:crypto')
const http = require('node:http')
const { Readable, Transform, pipeline } = require('node:stream')
const { listening, port } = require('./listen.cjs')

const CHUNK = Buffer.alloc(64 * 1024)
for (let i = 0; i < CHUNK.length; i++) CHUNK[i] = 32 + (i % 90)

let peak = 0
const measure = () => {
  peak = Math.max(peak, process.memoryUsage.rss())
}

/** Passes on a chunk and then rests: a reader that cannot keep up. */
const slowly = () => {
  let chunks = 0
  return new Transform({
    transform(chunk, _, done) {
      measure()
      chunks += 1
      if (chunks % 8 === 0) setTimeout(done, 1, null, chunk)
      else done(null, chunk)
    },
  })
}

const paths = {
  '/up': (req, res) => {
    const hash = createHash('sha256')
    let size = 0
    pipeline(
      req,
      slowly(),
      async (chunks) => {
        for await (const chunk of chunks) {
          size += chunk.length
          hash.update(chunk)
        }
      },
      (error) => res.end(JSON.stringify({ error: error?.code, size, hash: hash.digest('hex') })),
    )
  },
  // By hand, as examples of back-pressure do it: how often it was refused, how often it drained.
  '/down': (req, res) => {
    const chunks = Number(new URL(req.url, 'http://x').searchParams.get('chunks'))
    let sent = 0
    let refused = 0
    let drained = 0
    const more = () => {
      measure()
      while (sent < chunks) {
        sent += 1
        if (!res.write(CHUNK)) {
          refused += 1
          res.once('drain', () => {
            drained += 1
            more()
          })
          return
        }
      }
      res.end()
    }
    res.writeHead(200, { 'content-type': 'text/plain' })
    res.on('close', () => console.log(`down ${res.writableFinished} ${refused === drained} ${refused > 0}`))
    more()
  },
  '/through': (req, res) => {
    res.writeHead(200, { 'content-type': 'text/plain' })
    pipeline(req, slowly(), res, () => {})
  },
  '/events': (req, res) => {
    const events = Number(new URL(req.url, 'http://x').searchParams.get('events'))
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    async function* tell() {
      for (let i = 0; i < events; i++) {
        measure()
        yield `id: ${i}\ndata: ${'x'.repeat(500)}\n\n`
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    }
    Readable.from(tell()).pipe(res)
  },
  '/memory': (_, res) => {
    global.gc?.()
    res.end(JSON.stringify({ peak, heap: process.memoryUsage().heapUsed }))
  },
}

const server = http.createServer((req, res) => paths[req.url.split('?')[0]](req, res))
server.listen(port, '127.0.0.1', () => listening(server))
