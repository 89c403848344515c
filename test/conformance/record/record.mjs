// Records what the SDKs of other languages send: node record.mjs [python|go|java …]. The README says what it needs.
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const recorded = join(here, '../recorded')
const work = mkdtempSync(join(tmpdir(), 'callsight-record-'))
const javaAgents = { new: '2.21.0', old: '1.32.1' }
const jetty = '9.4.57.v20241219'
const goModules = { new: 'go.mod', old: 'old.mod' }

/** Where Maven keeps what it has downloaded. */
function jar(group, artifact, version) {
  return join(process.env.HOME, '.m2/repository', group, artifact, version, `${artifact}-${version}.jar`)
}

/** What must not end up in a recording: where it was made. */
const places = [
  ...['command_args', 'command_line', 'executable.path', 'pid', 'runtime.description'].map((key) => `process.${key}`),
  ...['host.name', 'host.id', 'host.arch', 'os.type', 'os.description', 'os.version', 'container.id'],
].join(',')
const anonymous = { OTEL_EXPERIMENTAL_RESOURCE_DISABLED_KEYS: places, OTEL_RESOURCE_DISABLED_KEYS: places }

const languages = {
  python: {
    version: () => /^opentelemetry-sdk==(.*)$/m.exec(readFileSync(join(here, 'python/requirements.txt'), 'utf8'))[1],
    run: (conventions, env) =>
      run(process.env.PYTHON ?? 'python3', [join(here, 'python/shop.py')], {
        ...env,
        ...(conventions === 'new' ? { OTEL_SEMCONV_STABILITY_OPT_IN: 'http' } : {}),
      }),
  },
  go: {
    version: (conventions) =>
      /otel\/sdk v(\S+)/.exec(readFileSync(join(here, 'go', goModules[conventions]), 'utf8'))[1],
    run: (conventions, env) => run('go', ['run', `-modfile=${goModules[conventions]}`, '.'], env, join(here, 'go')),
  },
  java: {
    version: (conventions) => javaAgents[conventions],
    run: async (conventions, env) => {
      const agent = jar('io/opentelemetry/javaagent', 'opentelemetry-javaagent', javaAgents[conventions])
      const libraries = ['server', 'http', 'io', 'util'].map((name) => jar('org/eclipse/jetty', `jetty-${name}`, jetty))
      const path = [work, ...libraries, jar('javax/servlet', 'javax.servlet-api', '3.1.0')].join(':')
      await run('javac', ['-cp', path, '-d', work, join(here, 'java/Shop.java')], {})
      await run(
        'java',
        [`-javaagent:${agent}`, '-Dotel.instrumentation.methods.include=Shop[lookUp]', '-cp', path, 'Shop'],
        { ...env, ...anonymous },
      )
    },
  },
}

/** Each way of sending, with the new HTTP conventions; the old ones once. */
const ways = [
  { conventions: 'new', protocol: 'http/protobuf' },
  { conventions: 'new', protocol: 'http/protobuf', compression: 'gzip' },
  { conventions: 'new', protocol: 'grpc' },
  { conventions: 'new', protocol: 'grpc', compression: 'gzip' },
  { conventions: 'old', protocol: 'http/protobuf' },
]

function run(command, args, env, cwd) {
  return new Promise((resolve, reject) => {
    const { PATH, HOME } = process.env
    const child = spawn(command, args, { env: { PATH, HOME, ...env }, cwd, stdio: ['ignore', 'inherit', 'inherit'] })
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}`))))
  })
}

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
    await languages[language].run(conventions, {
      OTEL_SERVICE_NAME: `${language}-shop`,
      OTEL_RESOURCE_ATTRIBUTES: 'service.version=1.2.3,deployment.environment.name=test',
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${protocol === 'grpc' ? grpc : http}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      OTEL_EXPORTER_OTLP_INSECURE: 'true',
      // One batch, at the end.
      OTEL_BSP_SCHEDULE_DELAY: '60000',
      ...(compression === undefined ? {} : { OTEL_EXPORTER_OTLP_COMPRESSION: compression }),
    })
    if (requests.length !== 1) throw new Error(`${name}: ${requests.length} requests`)
    const [{ path, headers, body }] = requests
    writeFileSync(join(recorded, `${name}.bin`), body)
    entries.push({ name, language, version, conventions, protocol, path, headers })
    console.log(`${name}: ${body.length} bytes`)
  }
}
writeFileSync(list, `${JSON.stringify(entries, null, 2)}\n`)
rmSync(work, { recursive: true })
process.exit(0)
