import { ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { limits } from '../limits.ts'
import type { Lanes } from './store.ts'

/** Opens a ClickHouse server by URL and makes the database when it is missing. */
export async function openServer(url: string): Promise<Lanes> {
  let address: URL
  try {
    address = new URL(url)
  } catch {
    // Not repeated: it may hold a password.
    throw new Error("the store's URL cannot be read.\nWrite embedded:DIR or https://user:password@host:8443/callsight.")
  }
  const database = decodeURIComponent(address.pathname.slice(1)) || 'callsight'
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(database)) {
    throw new Error(`the store's URL names the database ${JSON.stringify(database)}: letters, digits and _ only`)
  }
  address.pathname = ''
  const place = `${address.protocol}//${address.host}/${database}`
  // What it would print is in the errors that it throws, and those are logged once, by us.
  const client = { url: address.href, log: { level: ClickHouseLogLevel.OFF } }
  const lane = (settings = {}) => createClient({ ...client, database, clickhouse_settings: settings })
  const bootstrap = createClient(client)
  try {
    await bootstrap.command({ query: `CREATE DATABASE IF NOT EXISTS ${database}` })
  } catch (error) {
    const reason = error instanceof Error ? error.message || error.constructor.name : String(error)
    throw new Error(`cannot open ClickHouse at ${place}: ${reason}`)
  } finally {
    await bootstrap.close()
  }
  const write = lane()
  const judge = lane()
  const pages = lane({
    max_execution_time: limits.questionSeconds,
    max_result_rows: String(limits.questionRows),
    readonly: '2',
  })
  return {
    place,
    local: false,
    write: (use) => use(write),
    judge: (use) => use(judge),
    pages: (use) => use(pages),
    async close() {
      await Promise.all([write.close(), judge.close(), pages.close()])
    },
  }
}
