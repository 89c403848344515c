import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { until } from '../until.ts'
import { run, tally } from './host.ts'
import { startReceiver } from './receiver.ts'

test('json-server, a public application on Express 4, unchanged', async () => {
  const at = createRequire(import.meta.url).resolve('json-server/package.json')
  const { bin } = JSON.parse(readFileSync(at, 'utf8')) as { bin: string | Record<string, string> }
  const script = join(dirname(at), typeof bin === 'string' ? bin : Object.values(bin)[0]!)
  const receiver = await startReceiver()
  const folder = mkdtempSync(join(tmpdir(), 'callsight-json-server-'))
  try {
    const file = join(folder, 'db.json')
    writeFileSync(file, JSON.stringify({ posts: [{ id: 1 }, { id: 2 }] }))
    const port = await freePort()
    const host = run(script, { collector: receiver.url, args: ['--port', String(port), '--host', '127.0.0.1', file] })
    await listening(port)
    const base = `http://127.0.0.1:${port}`
    for (const path of ['/posts', '/posts/1', '/posts/2', '/posts/9']) await (await fetch(base + path)).text()
    const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"name":"x"}' }
    await (await fetch(`${base}/posts`, post)).text()
    await host.stop()
  } finally {
    rmSync(folder, { recursive: true })
    await receiver.close()
  }
  expect(tally(receiver.calls, (call) => `${call.name} ${call.attributes['http.response.status_code']}`)).toEqual({
    'GET /posts 200': 1,
    'GET /posts/:id 200': 2,
    'GET /posts/:id 404': 1,
    'POST /posts 201': 1,
  })
  expect(receiver.calls[0]!.resource['service.name']).toBe('json-server')
})

/** It says where it is before it listens, so the question is asked of the port itself. */
async function listening(port: number): Promise<void> {
  let open = false
  const knock = () => {
    const socket = connect(port, '127.0.0.1', () => {
      open = true
      socket.destroy()
    }).on('error', () => setTimeout(knock, 20))
  }
  knock()
  await until('json-server to listen', () => open)
}

async function freePort(): Promise<number> {
  const { port, close } = await startReceiver()
  await close()
  return port
}
