import { readFileSync } from 'node:fs'
import { connect as connectTwo } from 'node:http2'
import { type AddressInfo, connect } from 'node:net'
import { createServer } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '../until.ts'
import { run, serve, tally } from './host.ts'
import { converse, raw } from './raw.ts'
import { type Receiver, startReceiver } from './receiver.ts'

/*
 * In every kind of process and thread, started late, under restrictions, and sending over TLS.
 */

let receiver: Receiver

beforeEach(async () => {
  receiver = await startReceiver()
})
afterEach(() => receiver.close())

const REGISTER = fileURLToPath(new URL('../../agent/dist/register.js', import.meta.url))
/** The permission model: no child process, no thread, no native code, nothing written. */
const KNOWN = process.allowedNodeEnvironmentFlags
const PERMISSION = KNOWN.has('--permission') ? '--permission' : '--experimental-permission'
const ALLOWED = ['--allow-fs-read=*', ...(KNOWN.has('--allow-net') ? ['--allow-net'] : [])]
const last = 'host: x\r\nconnection: close\r\n\r\n'

test('main thread, worker thread and forked process: each its own instance, each call once, the same end', async () => {
  const live = async (collector?: string) => {
    // Loaded by the environment, as a fleet would do it: the fork has it from there.
    const env = collector && { NODE_OPTIONS: `--require ${REGISTER}`, OTEL_EXPORTER_OTLP_ENDPOINT: collector }
    const host = run('processes.cjs', { env: env || {} })
    const port = (role: string) =>
      until(`the port of ${role}`, () => new RegExp(`^${role} (\\d+)$`, 'm').exec(host.output().stdout)?.[1])
    for (const role of ['main', 'worker', 'fork']) {
      const answer = await raw(Number(await port(role)), `GET /${role} HTTP/1.1\r\n${last}`)
      expect(answer).toContain(role)
    }
    host.process.send('end')
    const { code, stderr, stdout } = await host.ended
    expect(stderr).toBe('')
    return [
      code,
      ...stdout
        .split('\n')
        .filter((text) => text.includes('ended'))
        .sort(),
    ]
  }
  expect(await live(receiver.url)).toEqual(await live())
  const names = receiver.calls.map(({ name }) => name).sort()
  expect(names).toEqual(['GET /fork', 'GET /main', 'GET /worker'])
  expect(new Set(receiver.calls.map(({ resource }) => resource['service.instance.id'])).size).toBe(3)
})

test('a start in a server at work, and a stop: from the next call on, on connections that were open before, too', async () => {
  const host = await serve('late.cjs', { env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url } })
  const session = connectTwo(`http://127.0.0.1:${/second (\d+)/.exec(host.output().stdout)![1]}`)
  const two = (path: string) =>
    new Promise<void>((resolve) => {
      session.request({ ':path': path }).on('close', resolve).resume()
    })
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`
  await two('/two/before')
  const answers = await converse(connect(host.port, '127.0.0.1'), [
    get('/before'),
    /before$/,
    get('/start'),
    /start$/,
    get('/after'),
    /after$/,
    'FIN',
  ])
  expect(answers.match(/200 OK/g)).toHaveLength(3)
  await two('/two/after')
  await raw(host.port, `GET /chat HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`)
  await raw(host.port, `GET /stop HTTP/1.1\r\n${last}`)
  await raw(host.port, `GET /stopped HTTP/1.1\r\n${last}`)
  await two('/two/stopped')
  session.destroy()
  expect((await host.stop()).stderr).toBe('')
  const names = receiver.calls.map(({ name, attributes }) => `${name} ${attributes['http.response.status_code']}`)
  // The call that stops the agent is under way when it is stopped.
  expect(names.filter((name) => !name.includes('/stop '))).toEqual([
    'GET /after 200',
    'GET /two/after 200',
    'GET /chat 401',
  ])
})

test.each([
  ['--disallow-code-generation-from-strings', '0'],
  ['--disallow-code-generation-from-strings', '1'],
  ['--frozen-intrinsics', '0'],
  ['--disable-proto=throw', '1'],
  [PERMISSION, '0'],
  [PERMISSION, '1'],
])('under %s, trace ratio %s', async (flag, ratio) => {
  const host = await serve('http.cjs', {
    collector: receiver.url,
    node: [flag, ...(flag === PERMISSION ? ALLOWED : [])],
    env: { CALLSIGHT_TRACE_RATIO: ratio, CALLSIGHT_CAPTURE_BODIES: 'all', NODE_NO_WARNINGS: '1' },
  })
  for (const path of ['/text', '/gzip', '/fail']) await raw(host.port, `GET ${path} HTTP/1.1\r\n${last}`)
  expect((await host.stop()).stderr).toBe('')
  expect(tally(receiver.calls, ({ name }) => name)).toEqual({ 'GET /text': 1, 'GET /gzip': 1, 'GET /fail': 1 })
})

test.each([['--disallow-code-generation-from-strings'], [PERMISSION, ...ALLOWED]])(
  'under %s, an exit that is not waited for is the same',
  async (...node) => {
    const env = { APP_END: 'exit', NODE_NO_WARNINGS: '1' }
    const { code, stdout, stderr } = await run('ends.cjs', { collector: receiver.url, node, env }).ended
    expect([code, stdout]).toEqual([7, ''])
    // Where threads are forbidden the last calls are lost, which is said.
    const forbidden = node[0] === PERMISSION
    expect(stderr).toMatch(forbidden ? /^\[callsight\] the last calls could not be sent: .*\n$/ : /^$/)
    expect(receiver.calls).toHaveLength(forbidden ? 0 : 10)
  },
)

test('before the first call: no listener, timer, socket or thread that was not there', async () => {
  const say = async (collector?: string) => {
    const preloads = [fileURLToPath(new URL('app/resources.cjs', import.meta.url)), ...(collector ? [REGISTER] : [])]
    const node = preloads.flatMap((file) => ['--require', file])
    const env = { CALLSIGHT_TRACE_RATIO: '1', ...(collector && { OTEL_EXPORTER_OTLP_ENDPOINT: collector }) }
    const { code, stdout, stderr } = await run('quiet.cjs', { node, env }).ended
    expect([code, stderr]).toEqual([0, ''])
    return JSON.parse(stdout)
  }
  expect(await say(receiver.url)).toEqual(await say())
})

test('NODE_OPTIONS in front of a short script: no warning, no delay of its end', async () => {
  const script = async (env: Record<string, string>) => {
    const times: number[] = []
    for (let i = 0; i < 3; i++) {
      const { code, ms, stderr } = await run('/dev/null', { env }).ended
      expect([code, stderr]).toEqual([0, ''])
      times.push(ms)
    }
    return Math.min(...times)
  }
  const plain = await script({})
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, CALLSIGHT_TRACE_RATIO: '1' }
  const watched = await script({ NODE_OPTIONS: `--require ${REGISTER}`, ...endpoint })
  expect(watched).toBeLessThan(plain + 400)
  expect(receiver.bodies).toHaveLength(0)
})

test.each([
  ['node', '14.21.3', 'Node 14.21.3 is older than 20.6: nothing is recorded'],
  ['bun', '1.3.0', 'bun is no Node: nothing is recorded'],
])('in a runtime that is %s %s: nothing is touched, and only who asks is told why', async (name, version, reason) => {
  const other = fileURLToPath(new URL('app/runtime.cjs', import.meta.url))
  const env = { APP_END: 'itself', APP_RUNTIME: name, APP_VERSION: version }
  const end = (more: Record<string, string>) =>
    run('ends.cjs', { load: 'not', node: ['--require', other, '--require', REGISTER], env: { ...env, ...more } }).ended
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url }
  expect(await end(endpoint)).toMatchObject({ code: 0, stdout: '', stderr: '' })
  expect((await end({ ...endpoint, CALLSIGHT_LOG_LEVEL: 'debug' })).stderr).toBe(`[callsight] ${reason}\n`)
  expect(receiver.bodies).toHaveLength(0)
})

/** TLS in front of the receiver. */
async function secured(): Promise<{ url: string; close(): void }> {
  const pem = (name: string) => readFileSync(new URL(`tls/${name}`, import.meta.url))
  const front = createServer({ key: pem('key.pem'), cert: pem('cert.pem') }, (socket) => {
    const behind = connect(receiver.port, '127.0.0.1')
    socket.pipe(behind).pipe(socket)
    for (const one of [socket, behind]) one.on('error', () => {})
  })
  front.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve))
  const { port } = front.address() as AddressInfo
  return { url: `https://localhost:${port}`, close: () => front.close() }
}

test('an endpoint over https, with a certificate authority of its own: while it runs, and at its end', async () => {
  const front = await secured()
  const env = { NODE_EXTRA_CA_CERTS: fileURLToPath(new URL('tls/cert.pem', import.meta.url)) }
  for (const way of ['itself', 'exit']) {
    receiver.calls.length = 0
    const { stderr } = await run('ends.cjs', { collector: front.url, env: { ...env, APP_END: way } }).ended
    expect(stderr).toBe('')
    expect(receiver.calls).toHaveLength(10)
  }
  front.close()
})

test('an endpoint whose certificate nobody vouches for gets nothing, and the reason is said', async () => {
  const front = await secured()
  const { code, stderr } = await run('ends.cjs', { collector: front.url, env: { APP_END: 'itself' } }).ended
  expect(code).toBe(0)
  expect(stderr).toContain('DEPTH_ZERO_SELF_SIGNED_CERT')
  expect(receiver.bodies).toHaveLength(0)
  front.close()
})
