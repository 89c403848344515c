import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Session } from 'chdb'

/**
 * ClickHouse's HTTP interface over the embedded engine, for tests of the collector against "a server": the statements
 * run on the real engine, only the wire is ours. Source: https://clickhouse.com/docs/interfaces/http
 */
export interface ClickHouse {
  url: string
  /** Asked before a statement runs and after: 'cut' closes the connection without an answer. */
  fault: (when: 'before' | 'after', sql: string) => 'cut' | undefined
  authorizations: Set<string | undefined>
  query(sql: string): Promise<Record<string, unknown>[]>
  close(): Promise<void>
}

export async function startClickHouse(folder: string): Promise<ClickHouse> {
  const engine = new Session(folder)
  const bodies = mkdtempSync(join(tmpdir(), 'callsight-bodies-'))
  let sent = 0
  const server = createServer((request, response) => {
    answer(request, response).catch((error: Error) => {
      const code = /^Code: (\d+)/.exec(error.message)?.[1] ?? '1002'
      response.writeHead(500, { 'x-clickhouse-exception-code': code }).end(error.message)
    })
  })
  const clickhouse: ClickHouse = {
    url: '',
    fault: () => undefined,
    authorizations: new Set(),
    async query(sql) {
      const result = await engine.queryAsync(sql, { format: 'JSONEachRow' })
      return result
        .text()
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      engine.close()
      rmSync(bodies, { recursive: true })
    },
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    clickhouse.authorizations.add(request.headers.authorization)
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const { searchParams } = new URL(request.url!, 'http://localhost')
    const sql = statementOf(searchParams.get('query') ?? '', body)
    if (clickhouse.fault('before', sql) === 'cut') return void request.socket.destroy()
    const session = new Session(folder)
    try {
      const params: Record<string, string> = {}
      for (const [key, value] of searchParams) {
        if (key === 'database') await session.queryAsync(`USE ${value}`)
        else if (key.startsWith('param_')) params[key.slice('param_'.length)] = value
        else if (!/^(query|query_id|default_format|wait_end_of_query|enable_http_compression)$/.test(key)) {
          await session.queryAsync(`SET ${key} = '${value.replaceAll("'", "''")}'`)
        }
      }
      const named = Object.keys(params).length > 0
      const result = named ? await session.queryBindAsync(sql, params) : await session.queryAsync(sql)
      if (clickhouse.fault('after', sql) === 'cut') return void request.socket.destroy()
      response.writeHead(200).end(result.bytes())
    } finally {
      session.close()
    }
  }

  /** The body is the statement or what follows it; bytes in the Native format are read by the engine from a file. */
  function statementOf(query: string, body: Buffer): string {
    const path = join(bodies, `${++sent}`)
    const [, plain] = /^(INSERT INTO .*) FORMAT Native$/s.exec(query) ?? []
    if (plain !== undefined && !query.includes(' FROM input(')) {
      writeFileSync(path, body)
      return `${plain} SELECT * FROM file('${path}', 'Native')`
    }
    const input = /^(INSERT .*) FROM input\(('(?:[^'\\]|\\.)*')\)(.*) FORMAT (\w+)$/s.exec(query)
    if (input === null) return [query, body.toString()].filter(Boolean).join('\n')
    const [, insert, structure, rest, format] = input
    writeFileSync(path, body)
    return `${insert} FROM file('${path}', '${format}', ${structure})${rest}`
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  clickhouse.url = `http://collector:pass%20word@127.0.0.1:${(server.address() as AddressInfo).port}/monitoring`
  return clickhouse
}
