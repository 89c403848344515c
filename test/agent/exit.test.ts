import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '../until.ts'
import { type Ended, type HostOptions, run, tally } from './host.ts'
import { type Receiver, startReceiver } from './receiver.ts'

let receiver: Receiver

beforeEach(async () => {
  receiver = await startReceiver()
})
afterEach(() => receiver.close())

/** Lets a process serve five calls and end in the given way. */
async function end(way: string, signal?: NodeJS.Signals, options: HostOptions = {}): Promise<Ended> {
  const host = run('ends.cjs', { ...options, env: { APP_END: way, ...options.env } })
  if (signal !== undefined) {
    await until('the calls', () => host.output().stdout.includes('ready'))
    host.process.kill(signal)
  }
  return host.ended
}

const ways: [string, NodeJS.Signals?][] = [
  ['itself'],
  ['exit'],
  ['throw'],
  ['signal', 'SIGTERM'],
  ['signal', 'SIGINT'],
  ['handled', 'SIGTERM'],
  ['signal-exit 3', 'SIGINT'],
  ['signal-exit 4', 'SIGINT'],
]

test.each(ways)('ends by %s %s: as without the agent, and the last calls arrive', async (way, signal) => {
  const plain = await end(way, signal)
  const watched = await end(way, signal, { collector: receiver.url })
  expect([watched.code, watched.signal, watched.stdout]).toEqual([plain.code, plain.signal, plain.stdout])
  expect(watched.stderr).toBe(plain.stderr)
  // Five calls, which the application makes to itself.
  expect(tally(receiver.calls, ({ kind }) => String(kind))).toEqual({ 2: 5, 3: 5 })
  expect(receiver.counts).toEqual({ seen: 10, sent: 10 })
})

test('traced calls end no differently', async () => {
  const options = { collector: receiver.url, env: { CALLSIGHT_TRACE_RATIO: '1' } }
  expect(await end('itself', undefined, options)).toMatchObject({ code: 0, signal: null, stderr: '' })
  expect(await end('signal', 'SIGTERM', options)).toMatchObject({ code: null, signal: 'SIGTERM', stderr: '' })
  expect(await end('exit', undefined, options)).toMatchObject({ code: 7, stderr: '' })
  expect(receiver.calls).toHaveLength(30)
})

test('no collector: nothing is waited for', async () => {
  const { port, close } = await startReceiver()
  await close()
  for (const [way, signal] of ways) {
    const plain = await end(way, signal)
    const watched = await end(way, signal, { collector: `http://127.0.0.1:${port}` })
    expect([watched.code, watched.signal]).toEqual([plain.code, plain.signal])
    expect(watched.ms).toBeLessThan(plain.ms + 1500)
  }
})

test('a collector whose name nobody knows: nothing is waited for, and the reason is said', async () => {
  const watched = await end('itself', undefined, { collector: 'http://no-such-host.invalid:4318' })
  expect(watched.code).toBe(0)
  expect(watched.stderr).toMatch(/cannot deliver yet \((ENOTFOUND|EAI_AGAIN)\); calls are kept and sent again later/)
})

test('a collector that never answers costs two seconds, no more', async () => {
  const hole = createServer(() => {})
  await new Promise<void>((resolve) => hole.listen(0, '127.0.0.1', resolve))
  const { port } = hole.address() as { port: number }
  const ends = await Promise.all(
    (['itself', 'exit'] as const).map((way) => end(way, undefined, { collector: `http://127.0.0.1:${port}` })),
  )
  hole.close()
  expect(ends.map(({ code }) => code)).toEqual([0, 7])
  for (const { ms } of ends) expect(ms).toBeLessThan(4500)
})

/** A listener whose queue is full: who connects now waits for an answer that does not come. */
const FULL = `
import socket, sys, time
server = socket.socket(); server.bind(('127.0.0.1', 0)); server.listen(0)
others = [socket.socket() for _ in range(4)]
for other in others:
    other.setblocking(False)
    other.connect_ex(server.getsockname())
print(server.getsockname()[1], flush=True)
sys.stdin.read()
`

const python = spawnSync('python3', ['--version']).status === 0
if (!python) console.warn('No python3 found, so a connection that hangs is not tested.')

test.skipIf(!python)('a connection that hangs costs two seconds, too', async () => {
  const full = spawn('python3', ['-c', FULL], { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    const [port] = (await once(full.stdout, 'data')) as [Buffer]
    const { code, ms } = await end('itself', undefined, { collector: `http://127.0.0.1:${String(port).trim()}` })
    expect(code).toBe(0)
    expect(ms).toBeLessThan(6000)
  } finally {
    full.stdin.end()
    await once(full, 'exit')
  }
})

test('a script without a server ends at once and sends nothing', async () => {
  const host = run('/dev/null', { collector: receiver.url, env: { CALLSIGHT_TRACE_RATIO: '1' } })
  expect(await host.ended).toMatchObject({ code: 0, stderr: '' })
  expect(receiver.bodies).toHaveLength(0)
})
