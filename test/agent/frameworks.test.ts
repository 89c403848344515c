import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '../until.ts'
import { type HostOptions, run, serve, tally } from './host.ts'
import { type ReceivedSpan, type Receiver, startReceiver } from './receiver.ts'

let receiver: Receiver

beforeEach(async () => {
  receiver = await startReceiver()
})
afterEach(() => receiver.close())

type Ask = [path: string, init?: RequestInit]

/** Serves `script`, asks, stops it, and returns the calls by operation and status. */
async function ask(script: string, asks: Ask[], options: HostOptions = {}): Promise<Record<string, number>> {
  const host = await serve(script, { collector: receiver.url, ...options })
  for (const [path, init] of asks) await (await fetch(host.url + path, init)).arrayBuffer()
  const end = await host.stop()
  expect(end.stderr).toBe('')
  return tally(receiver.calls, (call) => `${call.name} ${call.attributes['http.response.status_code']}`)
}

const json = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"name":"x"}' }

const EXPRESS: [Ask, string][] = [
  [['/'], 'GET / 200'],
  [['/users/7'], 'GET /users/:id 200'],
  [['/users/8?x=1'], 'GET /users/:id 200'],
  [['/users', json], 'POST /users 201'],
  [['/new'], 'GET /new 200'],
  [['/file-a'], 'GET /^\\/file-.+$/ 200'],
  [['/users/7/orders'], 'GET /users/:id/orders 200'],
  [['/users/7/orders/9'], 'GET /users/:id/orders/:oid 200'],
  [['/users/7/orders/9/items/1'], 'GET /users/:id/orders/:oid/items/:item 200'],
  [['/users/7/orders/9/fail'], 'GET /users/:id/orders/:oid/fail 500'],
  [['/a/status'], 'GET /a/status 200'],
  [['/b/status'], 'GET /b/status 200'],
  [['/v1/acme/things/5'], 'GET /v1/:tenant/things/:thing 200'],
  [['/private/17'], 'GET /private/{id} 401'],
  [['/nothing/here'], 'GET (unmatched) 404'],
  [['/nothing/there'], 'GET (unmatched) 404'],
]
const expected = tally(EXPRESS, ([, name]) => name)
const asks = EXPRESS.map(([question]) => question)

test.each(['5 with router 2.3', '4'])('Express %s: the full template as registered', async (version) => {
  const env: Record<string, string> = version === '4' ? { EXPRESS_OF: 'json-server' } : {}
  expect(await ask('express.cjs', asks, { env })).toEqual(expected)
  const routes = receiver.calls.filter((call) => call.attributes['http.route'] !== undefined)
  expect(routes).toHaveLength(EXPRESS.length - 3)
  for (const call of routes) expect(call.name.endsWith(String(call.attributes['http.route']))).toBe(true)
})

test('Express 5 loaded by --import from an ES module', async () => {
  expect(await ask('express.mjs', asks, { load: '--import' })).toEqual(expected)
})

test('Fastify 5: prefixes, hooks that answer, validation, unmatched', async () => {
  const counts = await ask('fastify.cjs', [
    ['/users/7'],
    ['/users/8'],
    ['/users/7/orders/9'],
    ['/users/7/orders/9', { headers: { 'x-forbidden': '1' } }],
    ['/users', json],
    ['/users', { ...json, body: '{}' }],
    ['/fail'],
    ['/no/such/thing'],
    ['/no/other/thing'],
  ])
  expect(counts).toEqual({
    'GET /users/:id 200': 2,
    'GET /users/:id/orders/:oid 200': 1,
    'GET /users/:id/orders/:oid 403': 1,
    'POST /users 201': 1,
    'POST /users 400': 1,
    'GET /fail 500': 1,
    'GET (unmatched) 404': 2,
  })
  expect(receiver.counts).toEqual({ seen: 9, sent: 9 })
})

test('raw http: identifiers folded, not claimed as a route, 404s in one bucket', async () => {
  const counts = await ask('http.cjs', [['/users/1'], ['/users/2?q=1'], ['/wp-login.php'], ['/x/y'], ['/text']])
  expect(counts).toEqual({ 'GET /users/{id} 200': 2, 'GET (unmatched) 404': 2, 'GET /text 200': 1 })
  expect(receiver.calls.some((call) => 'http.route' in call.attributes)).toBe(false)
  expect(receiver.calls.map((call) => call.attributes['url.path'])).toContain('/users/2')
})

test('json-server, a public application, unchanged', async () => {
  const at = createRequire(import.meta.url).resolve('json-server/package.json')
  const { bin } = JSON.parse(readFileSync(at, 'utf8')) as { bin: string | Record<string, string> }
  const script = join(dirname(at), typeof bin === 'string' ? bin : Object.values(bin)[0]!)
  const counts = await askJsonServer(script)
  expect(counts).toEqual({
    'GET /posts 200': 1,
    'GET /posts/:id 200': 2,
    'GET /posts/:id 404': 1,
    'POST /posts 201': 1,
  })
  expect(receiver.calls[0]!.resource['service.name']).toBe('json-server')
})

async function askJsonServer(script: string): Promise<Record<string, number>> {
  const folder = mkdtempSync(join(tmpdir(), 'callsight-json-server-'))
  try {
    const file = join(folder, 'db.json')
    writeFileSync(file, JSON.stringify({ posts: [{ id: 1 }, { id: 2 }] }))
    const port = await freePort()
    const host = run(script, { collector: receiver.url, args: ['--port', String(port), '--host', '127.0.0.1', file] })
    // It says where it is before it listens, so the question is asked of the port itself.
    let open = false
    const knock = () => {
      const socket = connect(port, '127.0.0.1', () => {
        open = true
        socket.destroy()
      }).on('error', () => setTimeout(knock, 20))
    }
    knock()
    await until('json-server to listen', () => open)
    const base = `http://127.0.0.1:${port}`
    for (const path of ['/posts', '/posts/1', '/posts/2', '/posts/9']) await (await fetch(base + path)).text()
    await (await fetch(`${base}/posts`, json)).text()
    await host.stop()
  } finally {
    rmSync(folder, { recursive: true })
  }
  return tally(receiver.calls, (call: ReceivedSpan) => `${call.name} ${call.attributes['http.response.status_code']}`)
}

async function freePort(): Promise<number> {
  const { port, close } = await startReceiver()
  await close()
  return port
}
