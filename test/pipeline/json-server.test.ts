import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { agentRegister, inStore, Program, startCollector, temporaryFolder } from '../program.ts'
import { until } from '../until.ts'

it('json-server from npm, unchanged, shows its calls with their routes', async () => {
  const collector = await startCollector()
  const folder = temporaryFolder()
  const database = join(folder, 'db.json')
  writeFileSync(database, JSON.stringify({ posts: [{ id: 1, title: 'one' }], comments: [{ id: 1, postId: 1 }] }))
  const bin = join(createRequire(import.meta.url).resolve('json-server/package.json'), '../lib/cli/bin.js')
  const port = 20_000 + (process.pid % 20_000)
  const program = new Program(
    ['--require', agentRegister, bin, '--host', '127.0.0.1', '--port', String(port), database],
    {
      name: 'json-server',
      cwd: folder,
      env: { OTEL_SERVICE_NAME: 'json-server', OTEL_EXPORTER_OTLP_ENDPOINT: collector.otlp },
    },
  )
  const url = `http://127.0.0.1:${port}`
  // It prints its address before it listens.
  await program.line(/Resources/)
  const get = async (path: string, init?: RequestInit) => {
    const response = await fetch(`${url}${path}`, { headers: { 'content-type': 'application/json' }, ...init })
    await response.arrayBuffer()
    return response.status
  }
  await until('answer of json-server', () =>
    fetch(url, { method: 'OPTIONS' }).then((response) => response.arrayBuffer()),
  )
  expect(await get('/posts')).toBe(200)
  expect(await get('/posts/1')).toBe(200)
  expect(await get('/posts/1/comments')).toBe(200)
  expect(await get('/posts/99')).toBe(404)
  expect(await get('/posts', { method: 'POST', body: '{"title":"two"}' })).toBe(201)
  expect(await get('/db')).toBe(200)
  await program.stop()
  await collector.stop()
  await inStore(collector.data, async (store) => {
    const rows = await store.query<{ operation: string; status: number; n: number }>(
      "SELECT operation, status, count() AS n FROM calls WHERE method != 'OPTIONS' GROUP BY ALL ORDER BY operation, status",
    )
    expect(rows).toEqual([
      // /posts/1/comments: json-server itself rewrites it to /comments?postId=1 before its routes see it.
      { operation: 'GET /comments', status: 200, n: 1 },
      { operation: 'GET /db', status: 200, n: 1 },
      { operation: 'GET /posts', status: 200, n: 1 },
      { operation: 'GET /posts/:id', status: 200, n: 1 },
      { operation: 'GET /posts/:id', status: 404, n: 1 },
      { operation: 'POST /posts', status: 201, n: 1 },
    ])
  })
})
