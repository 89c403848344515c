import http from 'node:http'
import http2 from 'node:http2'
import type { AddressInfo, Server } from 'node:net'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Headers, OUTCOMES } from '../call.ts'
import { Health } from '../health.ts'
import { BODY_LIMIT_MOST } from '../limits.ts'
import { Log } from '../log.ts'
import { Bodies, type Body, keptBody } from './body.ts'
import { Calls, type Capture } from './calls.ts'
import { ClientCapture } from './client.ts'
import { Http2ClientCapture } from './http2client.ts'
import { Pushed } from './push.ts'
import { UndiciCapture } from './undici.ts'
import { Upstreams } from './upstream.ts'

/** What a call carried when it ended. */
interface Ended {
  request: string
  response: string
  headers: Headers
  answer: Headers
  outcome: string
}

const ended = new Map<string, Ended>()
const health = new Health(new Log('none'))
const bodies = new Bodies(
  BODY_LIMIT_MOST,
  health.feature('bodies', () => {}),
)
const text = (body: Body | undefined): string => {
  if (body === undefined) return ''
  const bytes = body.read()
  const decoded = String(body.coding === 'gzip' ? gunzipSync(bytes) : bytes)
  body.release()
  return decoded
}
const calls = new Calls(
  {
    began: () => {},
    finished: (call) => {
      const { outcome } = call
      expect(OUTCOMES).toContain(outcome)
      ended.set(call.url, {
        request: text(keptBody(call, 'request')),
        response: text(keptBody(call, 'response')),
        headers: call.headers,
        answer: call.kind.answerHeaders(call),
        outcome,
      })
    },
  },
  health.feature('recording', () => {}),
)
const upstreams = new Upstreams()
const captures: Capture[] = [
  new Pushed(
    bodies,
    health.feature('bodies on arrival', () => {}),
  ),
  ...[ClientCapture, UndiciCapture, Http2ClientCapture].map(
    (Way) =>
      new Way(
        calls,
        bodies,
        upstreams,
        health.feature(Way.name, () => {}),
      ),
  ),
]

const ANSWER = { 'content-type': 'application/json', 'content-encoding': 'gzip', 'x-answer': 'yes' }
const answer = (request: NodeJS.ReadableStream, response: http.ServerResponse): void => {
  request.resume().on('end', () => response.writeHead(200, ANSWER).end(gzipSync('{"from":"upstream"}')))
}
let server: Server
let server2: Server
const originOf = (of: Server): string => `http://127.0.0.1:${(of.address() as AddressInfo).port}`

beforeAll(async () => {
  server = http.createServer(answer)
  server2 = http2.createServer(answer as never)
  for (const one of [server, server2]) await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve))
  for (const capture of captures) capture.start()
})
afterAll(() => {
  for (const capture of captures) capture.stop()
  ;(server as http.Server).closeAllConnections()
  server.close()
  server2.close()
})

const HEADERS = { 'content-type': 'application/json', 'x-asked': 'yes' }
const asks: Record<string, (path: string) => Promise<unknown>> = {
  http: (path) =>
    new Promise((resolve) => {
      const request = http.request(originOf(server) + path, { method: 'POST', headers: HEADERS })
      request.on('response', (response) => response.resume().on('end', resolve))
      request.write('{"text":')
      request.end(Buffer.from('"grün"}').toString('hex'), 'hex')
    }),
  fetch: async (path) =>
    (await fetch(originOf(server) + path, { method: 'POST', headers: HEADERS, body: '{"text":"grün"}' })).text(),
  http2: (path) =>
    new Promise((resolve) => {
      const session = http2.connect(originOf(server2))
      const stream = session.request({ ':path': path, ':method': 'POST', ...HEADERS })
      stream.resume().on('close', () => session.close(resolve as () => void))
      stream.write('{"text":')
      stream.end('"grün"}')
    }),
}

test.each(Object.keys(asks))('%s: bodies and headers of both directions, until the call is over', async (client) => {
  await asks[client]!(`/${client}`)
  expect(ended.get(`/${client}`)).toMatchObject({
    request: '{"text":"grün"}',
    response: '{"from":"upstream"}',
    headers: HEADERS,
    answer: ANSWER,
    outcome: 'ok',
  })
  expect(bodies.held).toBe(0)
  expect(calls.size).toBe(0)
  expect(health.faults).toEqual(new Map())
})

test('a process that leaves calls behind has broken them off', async () => {
  const hanging = http.createServer(() => {})
  await new Promise<void>((resolve) => hanging.listen(0, '127.0.0.1', resolve))
  const request = http.get(`${originOf(hanging)}/left`).on('error', () => {})
  calls.endAll()
  expect(ended.get('/left')).toMatchObject({ outcome: 'aborted' })
  request.destroy()
  hanging.close()
})

test('taken back, nothing is left', () => {
  for (const capture of captures) capture.stop()
  for (const name of ['write', 'end', 'emit', 'flushHeaders']) {
    expect(Object.hasOwn(http.ClientRequest.prototype, name)).toBe(false)
  }
  expect(Object.hasOwn(http.ClientRequest.prototype, 'destroy')).toBe(true)
  expect(http2.connect.name).toBe('connect')
})
