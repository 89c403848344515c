// A server with everything that makes a monitor leak: uploads, streams, server-sent events, callers that go away, calls
// to others. Talks with its parent over IPC: 'sample' is answered with what must stay flat.
const http = require('node:http')
const { readdirSync } = require('node:fs')
const { setTimeout: sleep } = require('node:timers/promises')

const json = { 'content-type': 'application/json' }
const answer = JSON.stringify({ items: Array.from({ length: 20 }, (_, id) => ({ id, name: `item ${id}` })) })
let served = 0
let outgoing = 0

const paths = {
  '/json': (_, res) => res.writeHead(200, json).end(answer),
  '/echo': async (req, res) => {
    const chunks = []
    for await (const chunk of req) chunks.push(chunk)
    res.writeHead(200, json).end(Buffer.concat(chunks))
  },
  '/upload': async (req, res) => {
    let size = 0
    for await (const chunk of req) size += chunk.length
    res.writeHead(201, json).end(JSON.stringify({ size }))
  },
  '/unread': (_, res) => res.writeHead(413, json).end('{"error":"too large"}'),
  '/stream': async (_, res) => {
    res.writeHead(200, json)
    for (let i = 0; i < 10 && !res.destroyed; i++) {
      res.write(answer)
      await sleep(50)
    }
    res.end()
  },
  '/events': async (_, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    for (let i = 0; i < 20 && !res.destroyed; i++) {
      res.write(`data: ${i}\n\n`)
      await sleep(100)
    }
    res.end()
  },
  '/hang': () => {},
  '/out': async (_, res) => {
    outgoing += 1
    const response = await fetch(`http://127.0.0.1:${server.address().port}/json`)
    res.writeHead(200, json).end(await response.text())
  },
}

const server = http.createServer(async (req, res) => {
  served += 1
  const path = req.url.split('?')[0].replace(/\/\d+$/, '')
  try {
    if (paths[path] !== undefined) await paths[path](req, res)
    else res.writeHead(404, json).end('{}')
  } catch {
    // The caller went away while it was sending.
    res.destroy()
  }
})
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))

const listeners = (emitter) => emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0)

process.on('message', (message) => {
  if (message === 'rest') return rest()
  if (message !== 'sample') return
  // Twice: what the first collection finalises the second can free.
  global.gc()
  global.gc()
  const { heapUsed, rss, arrayBuffers } = process.memoryUsage()
  process.send({
    heap: heapUsed,
    rss,
    buffers: arrayBuffers,
    descriptors: readdirSync('/proc/self/fd').length,
    listeners: listeners(process) + listeners(server),
    timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
    served,
    outgoing,
  })
})

/** Answers when the last connection is closed, which takes a busy machine its time. */
function rest(tries = 0) {
  server.getConnections((_, count) => {
    if (count === 0 || tries === 300) process.send('rest')
    else setTimeout(rest, 50, tries + 1)
  })
}
process.on('disconnect', () => process.exit())
