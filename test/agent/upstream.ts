import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import {
  createSecureServer as createHttp2SecureServer,
  createServer as createHttp2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, connect, createServer as createRawServer, type Server } from 'node:net'
import type { Duplex } from 'node:stream'
import { gzipSync } from 'node:zlib'

/*
 * The other side of outgoing calls: a server with a path for everything that can happen, which keeps its own account of
 * the bytes of each request and answer.
 */

export interface Seen {
  method: string
  path: string
  requestBytes: number
  headers: IncomingMessage['headers']
  port: number | undefined
}

export interface Upstream {
  origin: string
  port: number
  seen: Seen[]
  server: Server
  close(): Promise<void>
}

type Request = IncomingMessage | Http2ServerRequest
type Response = ServerResponse | Http2ServerResponse

export const GZIPPED = gzipSync('x'.repeat(50_000))
export const LARGE = 3_000_000

/** Fields of answers that say how much more may be asked, by what comes after /quota/ in the path. */
export const QUOTAS: Record<string, Record<string, string | string[]>> = {
  github: {
    'X-RateLimit-Limit': '5000',
    'X-RateLimit-Remaining': '4987',
    'X-RateLimit-Reset': '1795269000',
    'X-RateLimit-Used': '13',
    'X-RateLimit-Resource': 'core',
  },
  lists: {
    'RateLimit-Policy': ['"burst";q=100;w=60', '"daily";q=1000;w=86400;pk=:c2VjcmV0LWtleQ==:'],
    RateLimit: '"burst";r=50;t=30',
    'Retry-After': 'Sat, 21 Nov 2026 10:00:00 GMT',
  },
  openai: { 'x-ratelimit-limit-tokens': '150000', 'x-ratelimit-reset-tokens': '6m0s' },
  // Shopify, Salesforce, Azure.
  others: {
    'X-Shopify-Shop-Api-Call-Limit': '32/40',
    'Sforce-Limit-Info': 'api-usage=18/5000',
    'x-ms-retry-after-ms': '1200',
  },
  secrets: {
    'X-RateLimit-Key': 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg',
    'X-RateLimit-User': 'ann@example.com',
    'X-RateLimit-Note': 'x'.repeat(300),
    'X-Request-Id': 'ratelimit',
    'X-Powered-By': 'a kettle',
    'X-RateLimit-Remaining': '7',
  },
}

/** `times`: how often this path has been asked for. */
type Answer = (response: ServerResponse, request: Request, times: number) => void

/** Breaks off: without a proper end of the connection, or of the stream where the connection has many. */
function breakOff(response: ServerResponse): void {
  const stream = (response as unknown as Partial<Http2ServerResponse>).stream
  if (stream === undefined) response.destroy()
  else {
    stream.on('error', () => {})
    stream.destroy(new Error('broken'))
  }
}

const answers: Record<string, Answer> = {
  '/text': (response) => void response.end('hällo'),
  '/gzip': (response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(GZIPPED),
  '/chunked': (response) => {
    response.write('one,')
    setTimeout(() => response.end('two'), 5)
  },
  '/none': (response) => void response.writeHead(204).end(),
  '/same': (response) => void response.writeHead(304).end(),
  '/fail': (response) => void response.writeHead(500).end('no'),
  '/gateway': (response) => void response.writeHead(504).end('late'),
  '/late': (response) => {
    setTimeout(() => {
      response.write('first')
      setTimeout(() => response.end('second'), 60)
    }, 80)
  },
  '/large': (response) => void response.end(Buffer.alloc(LARGE)),
  '/truncated': (response) => {
    response.writeHead(200, { 'content-length': '100' }).write('ten bytes.')
    setTimeout(() => breakOff(response), 10)
  },
  '/hangup': breakOff,
  // Over HTTP/2 only: a stream that is refused, a connection that goes in the middle.
  '/refused': (response) => {
    const { stream } = response as unknown as Http2ServerResponse
    stream.on('error', () => {})
    stream.close(7)
  },
  '/gone': (response) => {
    response.write('part')
    setTimeout(() => (response as unknown as Http2ServerResponse).stream.session?.destroy(), 20)
  },
  '/quota': (response, request, times) => {
    const fields = QUOTAS[(request.url ?? '').split('?')[0]!.slice('/quota/'.length)] ?? {}
    response.writeHead(times > 2 ? 429 : 200, fields).end('{}')
  },
  '/redirect': (response) => void response.writeHead(302, { location: '/text/redirected' }).end(),
  '/flaky': (response, _, times) => void response.writeHead(times < 3 ? 503 : 200).end('at last'),
}

function answer(request: Request, response: ServerResponse, seen: Seen[]): void {
  const path = (request.url ?? '').split('?')[0]!
  const one: Seen = { method: request.method ?? '', path, requestBytes: 0, headers: request.headers, port: undefined }
  one.port = request.socket?.remotePort
  seen.push(one)
  request.on('data', (chunk: Buffer) => {
    one.requestBytes += chunk.length
  })
  request.on('error', () => {})
  if (path.startsWith('/hang/')) return
  if (path.startsWith('/part/')) return void response.write('part')
  const known = answers[path] ?? answers[path.slice(0, path.indexOf('/', 1))]
  request.on('end', () => {
    if (known !== undefined) known(response, request, seen.filter((other) => other.path === path).length)
    else if (path === '/missing') response.writeHead(404).end('nothing')
    else response.end('{}')
  })
}

/** What no server of Node answers by itself, by path. */
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n'
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nfine'
const raw: Record<string, [string, string?]> = {
  'GET /upgrade': [SWITCH],
  'GET /upgrade/nobody': [SWITCH],
  'CONNECT example.com:443': ['HTTP/1.1 200 Connection established\r\n\r\n'],
  'POST /continue': ['HTTP/1.1 100 Continue\r\n\r\n', OK],
  'GET /hints': ['HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n', OK],
}

/** Starts a server that answers by the first line of a request, a second time 60 ms later. */
export function startRawUpstream(): Promise<Upstream> {
  return listen(
    createRawServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', (chunk) => {
        const [first, second] = raw[/^\S+ \S+/.exec(String(chunk))![0]]!
        socket.write(first)
        if (second !== undefined) setTimeout(() => socket.write(second), 60)
      })
    }),
    [],
  )
}

const LOCALHOST = readFileSync(new URL('app/localhost.pem', import.meta.url))

/** Starts an upstream. `http2`: without TLS, as `http2.connect('http://…')` speaks it. `https`: for `localhost`. */
export function startUpstream(protocol: 'http' | 'https' | 'http2' | 'https2' = 'http'): Promise<Upstream> {
  const seen: Seen[] = []
  const listener = (request: Request, response: Response) => answer(request, response as ServerResponse, seen)
  const tunnel = (request: Request, socket: Duplex): void => {
    const [host, port] = (request.url ?? '').split(':')
    const through = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      socket.pipe(through).pipe(socket)
    })
    for (const end of [socket, through]) end.on('error', () => through.destroy())
  }
  const tls = { key: LOCALHOST, cert: LOCALHOST, allowHTTP1: true }
  const server = {
    http: () => createServer(listener),
    https: () => createSecureServer(tls, listener),
    http2: () => createHttp2Server(listener),
    https2: () => createHttp2SecureServer(tls, listener),
  }[protocol]()
  if (protocol === 'http') server.on('connect', tunnel)
  return listen(server, seen)
}

async function listen(server: Server, seen: Seen[]): Promise<Upstream> {
  const open = new Set<{ destroy(): void }>()
  server.on('session', (session) => open.add(session))
  server.on('connection', (socket) => {
    open.add(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    seen,
    server,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        for (const one of open) one.destroy()
      }),
  }
}
