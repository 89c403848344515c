// Records what the SDKs of other languages send: node record.mjs [python|go|java …]. The README says what it needs.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { exporting, languages } from './programs.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const recorded = join(here, '../recorded')
/** Each way of sending, with the new HTTP conventions; the old ones once. */
const ways = [
  { conventions: 'new', protocol: 'http/protobuf' },
  { conventions: 'new', protocol: 'http/protobuf', compression: 'gzip' },
  { conventions: 'new', protocol: 'grpc' },
  { conventions: 'new', protocol: 'grpc', compression: 'gzip' },
  { conventions: 'old', protocol: 'http/protobuf' },
]

const kept = ['content-type', 'content-encoding', 'grpc-encoding', 'grpc-accept-encoding', 'user-agent', 'te']

/** Servers that acknowledge everything and keep what came: [path, headers, body]. */
async function listen() {
  const requests = []
  const take = async (path, headers, stream) => {
    const chunks = []
    for await (const chunk of stream) chunks.push(chunk)
    const heads = kept.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]]))
    requests.push({ path, headers: Object.fromEntries(heads), body: Buffer.concat(chunks) })
  }
  const http = createServer(async (request, response) => {
    await take(request.url, request.headers, request)
    response.writeHead(200, { 'content-type': request.headers['content-type'] }).end()
  })
  const grpc = createHttp2Server()
  grpc.on('stream', async (stream, headers) => {
    await take(headers[':path'], headers, stream)
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.end(Buffer.alloc(5))
  })
  for (const server of [http, grpc]) await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { http: http.address().port, grpc: grpc.address().port, requests }
}

const { http, grpc, requests } = await listen()
mkdirSync(recorded, { recursive: true })
const list = join(recorded, 'recorded.json')
const chosen = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(languages)
let entries = []
try {
  entries = JSON.parse(readFileSync(list, 'utf8')).filter(({ language }) => !chosen.includes(language))
} catch (error) {
  if (error.code !== 'ENOENT') throw error
}
for (const language of chosen) {
  for (const { conventions, protocol, compression } of ways) {
    const version = languages[language].version(conventions)
    const name = [language, conventions, protocol === 'grpc' ? 'grpc' : 'http', compression].filter(Boolean).join('-')
    requests.length = 0
    const endpoint = `http://127.0.0.1:${protocol === 'grpc' ? grpc : http}`
    await languages[language].run(conventions, exporting({ language, endpoint, protocol, compression }))
    if (requests.length !== 1) throw new Error(`${name}: ${requests.length} requests`)
    const [{ path, headers, body }] = requests
    writeFileSync(join(recorded, `${name}.bin`), body)
    entries.push({ name, language, version, conventions, protocol, path, headers })
    console.log(`${name}: ${body.length} bytes`)
  }
}
writeFileSync(list, `${JSON.stringify(entries, null, 2)}\n`)
process.exit(0)
