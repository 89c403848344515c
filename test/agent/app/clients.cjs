// The clients of Node, each as one function: asks, reads the answer to its end, tells status and bytes.
const http = require('node:http')
const http2 = require('node:http2')

const agent = new http.Agent({ keepAlive: true })
const pieces = (body) => (Array.isArray(body) ? body : body === undefined ? [] : [body])

const viaHttp = (origin, method, path, { body, headers, signal } = {}) =>
  new Promise((resolve, reject) => {
    const request = http.request(origin + path, { method, headers, signal, agent }, (response) => {
      let bytes = 0
      response.on('data', (chunk) => {
        bytes += chunk.length
      })
      response.on('end', () => resolve({ status: response.statusCode, bytes }))
      response.on('error', reject)
    })
    request.on('error', reject)
    if (Array.isArray(body)) {
      for (const piece of body) request.write(piece)
      request.end()
    } else request.end(body)
  })

async function* stream(body) {
  for (const piece of body) yield Buffer.from(piece)
}

const viaFetch =
  (fetch) =>
  async (origin, method, path, { body, headers, signal } = {}) => {
    const sent = Array.isArray(body) ? stream(body) : body
    const init = { method, headers, signal, body: sent, ...(Array.isArray(body) && { duplex: 'half' }) }
    const response = await fetch(origin + path, init)
    return { status: response.status, bytes: (await response.arrayBuffer()).byteLength }
  }

const viaUndici =
  (undici, options) =>
  async (origin, method, path, { body, headers, signal } = {}) => {
    const dispatcher = options && new undici.Agent(options)
    const sent = Array.isArray(body) ? stream(body) : body
    const response = await undici.request(origin + path, { method, headers, signal, body: sent, dispatcher })
    return { status: response.statusCode, bytes: (await response.body.arrayBuffer()).byteLength }
  }

const viaHttp2 = (origin, method, path, { body, headers, signal } = {}) =>
  new Promise((resolve, reject) => {
    const session = http2.connect(origin)
    session.on('error', () => {})
    const stream = session.request({ ':method': method, ':path': path, ...headers }, { signal, endStream: !body })
    let bytes = 0
    let status = 0
    stream.on('response', (fields) => {
      status = fields[':status']
    })
    stream.on('data', (chunk) => {
      bytes += chunk.length
    })
    stream.on('error', reject)
    stream.on('close', () => {
      session.close()
      resolve({ status, bytes })
    })
    for (const piece of pieces(body)) stream.write(piece)
    if (body) stream.end()
  })

exports.clients = {
  http: viaHttp,
  http2: viaHttp2,
  get fetch() {
    return viaFetch(fetch)
  },
  get 'undici-6'() {
    return viaUndici(require('undici-6'))
  },
  get 'undici-7'() {
    return viaUndici(require('undici-7'))
  },
  get 'undici-8'() {
    return viaUndici(require('undici-8'))
  },
  get 'undici-6 over http2'() {
    return viaUndici(require('undici-6'), { allowH2: true, connect: { rejectUnauthorized: false } })
  },
  get 'undici-7 over http2'() {
    return viaUndici(require('undici-7'), { allowH2: true, connect: { rejectUnauthorized: false } })
  },
}
