// Breaks the agent at every function it has, one after the other, and talks to a server through each broken agent.
// Prints what the host noticed of it.
const fs = require('node:fs')
const http = require('node:http')
const http2 = require('node:http2')
const net = require('node:net')
const path = require('node:path')
const express = require('express')
const fastify = require('fastify')
const DIST = path.join(__dirname, '..', '..', '..', 'agent', 'dist')
const callsight = require(DIST)

/** What contains and reports faults must itself be right; so must the public functions, which only pass on to the rest. */
const CONTAINMENT = [
  'health.js',
  'log.js',
  'index.js',
  'register.js',
  'singleton.js',
  'context.js armScopes',
  'agent.js Agent.',
]

const endpoint = process.env.OTEL_EXPORTER_OTLP_ENDPOINT
const options = { endpoint, captureBodies: 'all', traceRatio: 0, logLevel: 'error' }

const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** All functions and methods of the agent: how to break each, and how to mend it. */
function* targets() {
  for (const file of fs.readdirSync(DIST, { recursive: true }).sort()) {
    if (!file.endsWith('.js') || file.endsWith('.test.js') || file === 'trace.js') continue
    const module = require(path.join(DIST, file))
    for (const [name, value] of Object.entries(module)) {
      if (typeof value !== 'function') continue
      const found = [replace(`${file} ${name}`, module, name)]
      for (const method of Object.getOwnPropertyNames(value.prototype ?? {})) {
        if (method !== 'constructor') found.push(replace(`${file} ${name}.${method}`, value.prototype, method))
      }
      yield* found.filter((one) => !CONTAINMENT.some((start) => one.name.startsWith(start)))
    }
  }
}

function replace(name, object, key) {
  const before = Object.getOwnPropertyDescriptor(object, key)
  const boom = () => {
    target.met += 1
    throw new Error(`sabotage of ${name}`)
  }
  const broken = before.get ? { get: boom, configurable: true } : { ...before, value: boom }
  const target = {
    name,
    met: 0,
    watch: () => Object.defineProperty(object, key, watched(target, before)),
    break: () => Object.defineProperty(object, key, broken),
    mend: () => Object.defineProperty(object, key, before),
  }
  return target
}

/** The same function or getter, counting. */
function watched(target, before) {
  const count = {
    apply: (run, self, args) => {
      target.met += 1
      return Reflect.apply(run, self, args)
    },
    construct: (made, args, newTarget) => {
      target.met += 1
      return Reflect.construct(made, args, newTarget)
    },
  }
  if (before.get) return { ...before, get: new Proxy(before.get, count) }
  return { ...before, value: new Proxy(before.value, count) }
}

const handle = async (req, res) => {
  callsight.setConsumer({ id: 'c' })
  callsight.setAttribute('k', 1)
  if (req.url === '/wait') await later(45)
  if (req.url === '/out') await inner()
  if (req.url === '/broken') return res.destroy()
  let size = 0
  for await (const chunk of req) size += chunk.length
  res.setHeader('content-type', 'application/json')
  res.write('{"size":')
  res.end(`${size}}`)
}
const inner = async () => {
  const url = `http://127.0.0.1:${server.address().port}/inner`
  await new Promise((resolve, reject) =>
    http.get(url, { agent: false }, (res) => res.resume().on('end', resolve)).on('error', reject),
  )
  await (await fetch(url)).text()
}

const server = http.createServer(handle)
server.on('upgrade', (_, socket) => socket.end('HTTP/1.1 401 Unauthorized\r\n\r\nno'))
const second = http2.createServer(handle)
const app = express()
app.get('/users/:id', (req, res) => res.json({ id: req.params.id }))
const third = http.createServer(app)

/** Everything that comes back on one connection. */
const say = (port, text) =>
  new Promise((resolve) => {
    let heard = ''
    const socket = net.connect(port, '127.0.0.1', () => socket.write(text))
    socket.setEncoding('latin1').on('data', (chunk) => {
      heard += chunk
    })
    socket.on('error', () => {}).on('close', () => resolve(heard.replace(/^Date: .*\r\n/gm, '')))
  })

const ask = (session, headers, body) =>
  new Promise((resolve) => {
    let heard = ''
    const stream = session.request(headers, { endStream: body === undefined })
    stream.setEncoding('utf8').on('response', (fields) => {
      heard += fields[':status']
    })
    stream.on('data', (chunk) => {
      heard += chunk
    })
    stream.on('error', () => {}).on('close', () => resolve(heard))
    if (body !== undefined) stream.end(body)
  })

const last = 'host: x\r\nconnection: close\r\n'

/** All that is said to the servers, and all they answer. */
async function converse() {
  const { port } = server.address()
  const own = fastify()
  own.get('/users/:id', async (request) => ({ id: request.params.id }))
  await own.listen({ port: 0, host: '127.0.0.1' })
  const session = http2.connect(`http://127.0.0.1:${second.address().port}`)
  session.on('error', () => {})
  const body = '{"a":[1,2,3]}'
  const post = `POST /post HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n`
  const talks = [
    // More than the ten faults that a feature may have.
    say(port, `${`GET /a?b HTTP/1.1\r\nhost: x\r\n\r\n`.repeat(11)}GET /last HTTP/1.1\r\n${last}\r\n`),
    say(port, `${post}x-api-key: secret\r\nuser-agent: me\r\n${last}\r\n${body}`),
    say(port, `GET /wait HTTP/1.1\r\ntraceparent: 00-${'a'.repeat(32)}-${'b'.repeat(16)}-01\r\n${last}\r\n`),
    say(port, `GET /out HTTP/1.1\r\n${last}\r\n`),
    say(port, `GET /broken HTTP/1.1\r\n${last}\r\n`),
    say(port, 'nonsense\r\n\r\n'),
    say(port, `${post}transfer-encoding: nonsense\r\n${last}\r\n`),
    say(port, 'GET /chat HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'),
    say(third.address().port, `GET /users/7 HTTP/1.1\r\n${last}\r\n`),
    say(own.server.address().port, `GET /users/7 HTTP/1.1\r\n${last}\r\n`),
    ask(session, { ':path': '/two' }),
    ask(session, { ':path': '/two', ':method': 'POST', 'content-type': 'application/json' }, body),
    ask(session, { ':path': '/broken' }),
  ]
  const heard = await Promise.all(talks)
  session.close()
  await own.close()
  return heard
}

let problems = []
process.on('uncaughtException', (error) => problems.push(`uncaught: ${error.stack.split('\n').slice(0, 4).join(' ')}`))
process.on('unhandledRejection', (error) =>
  problems.push(`rejected: ${error?.stack?.split('\n').slice(0, 4).join(' ')}`),
)

const patient = (promise, ms) => Promise.race([promise, later(ms)])

async function through(target, expected) {
  problems = []
  target.met = 0
  callsight.start(options)
  target.break()
  const heard = await patient(converse(), 3000)
  await patient(callsight.flush(), 300)
  target.mend()
  await patient(callsight.stop(), 300)
  if (JSON.stringify(heard) !== JSON.stringify(expected)) problems.push(`heard ${JSON.stringify(heard)}`)
  const { name, met } = target
  // And a start that fails.
  target.break()
  try {
    callsight.start(options)
  } catch (error) {
    problems.push(`start threw: ${error.message}`)
  }
  target.mend()
  await patient(callsight.stop(), 300)
  return { name, met, problems }
}

async function main() {
  for (const one of [server, second, third]) await new Promise((resolve) => one.listen(0, '127.0.0.1', resolve))
  const expected = await converse()
  const [part, parts] = process.argv.slice(2).map(Number)
  // First in good health, to see which functions take part at all.
  const all = [...targets()]
  for (const target of all) target.watch()
  callsight.start(options)
  await converse()
  await callsight.flush()
  await callsight.stop()
  for (const target of all) target.mend()
  const taking = all.filter((target) => target.met > 0)
  const found = []
  for (const [index, target] of taking.entries()) {
    if (index % parts === part) found.push(await through(target, expected))
  }
  console.log(JSON.stringify({ all: all.length, found }))
  process.exit(0)
}
main().catch((error) => {
  console.error(error)
  process.exit(1)
})
