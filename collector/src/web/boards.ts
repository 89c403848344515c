import { boardOf, boards, expand, type Panel, type QueryVariable } from '@callsight/dashboards'
import { ClickHouseError } from '@clickhouse/client'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { limits } from '../limits.ts'
import type { Answer, Store } from '../store/store.ts'
import { Problem } from './problem.ts'

/** `columns[i].type` says what `rows[…][i]` holds: text, a number, or a time in epoch milliseconds; null for none. */
export interface PanelAnswer {
  columns: { name: string; type: 'time' | 'number' | 'text' }[]
  rows: (string | number | null)[][]
}

const instant = z.coerce.number().int().min(0).max(8.64e15)
const value = z.string().max(limits.variableChars)
const range = { from: instant, to: instant }
const question = z.strictObject({
  ...range,
  panel: z.number().int(),
  refId: z.string().max(20).default('A'),
  intervalMs: z.number().positive().max(limits.rangeMs),
  variables: z.record(z.string().max(50), z.union([value, z.array(value).max(limits.variableValues)])).default({}),
})
const span = z.object(range)

/**
 * The boards for the viewer. A page names a board, a panel, a range and the values of variables; the SQL is always the
 * board's own.
 *
 *     GET  /api/v1/boards                              -> { boards: [{ uid, title }], newest_call }
 *     GET  /api/v1/boards/:uid                         -> the board's Grafana JSON
 *     GET  /api/v1/boards/:uid/variables/:name?from&to -> { options: ["…"] }
 *     POST /api/v1/boards/:uid/query                   -> PanelAnswer
 */
export function boardRoutes(store: Store): (server: FastifyInstance) => Promise<void> {
  return async (server) => {
    server.get('/api/v1/boards', async () => {
      // Answered from the bounds of the parts: no row is read.
      const [newest] = await store.ask<{ calls: number; ms: number }>(
        'SELECT count() AS calls, toUnixTimestamp64Milli(max(ts)) AS ms FROM calls',
      )
      return {
        boards: boards().map(({ uid, title }) => ({ uid, title })),
        newest_call: Number(newest!.calls) === 0 ? null : new Date(Number(newest!.ms)).toISOString(),
      }
    })
    server.get('/api/v1/boards/:uid', async (request) => boardNamedIn(request))

    server.get('/api/v1/boards/:uid/variables/:name', async (request) => {
      const board = boardNamedIn(request)
      const { name } = request.params as { name: string }
      const variable = board.templating.list.find(
        (one): one is QueryVariable => one.type === 'query' && one.name === name,
      )
      if (variable === undefined) throw new Problem(404, `board ${board.uid} has no variable ${name}`)
      const { from, to } = valid(span, request.query)
      const answer = await ask(
        store,
        expand(variable.query.rawSql, { from, to, intervalMs: 1000, variables: {}, board }),
      )
      return { options: answer.rows.map((row) => String(row[0])) }
    })

    server.post('/api/v1/boards/:uid/query', async (request) => {
      const board = boardNamedIn(request)
      const { panel: id, refId, from, to, intervalMs, variables } = valid(question, request.body)
      const unknown = Object.keys(variables).find((name) => !board.templating.list.some((one) => one.name === name))
      if (unknown !== undefined) throw new Problem(400, `board ${board.uid} has no variable ${unknown}`)
      const target = targetOf(board.panels, id, refId)
      const sql = expand(target.rawSql, { from, to, intervalMs: bucketMs(intervalMs, to - from), variables, board })
      return ask(store, sql)
    })
  }
}

function boardNamedIn(request: FastifyRequest) {
  const { uid } = request.params as { uid: string }
  const board = boardOf(uid)
  if (board !== undefined) return board
  const known = boards().map((one) => one.uid)
  throw new Problem(404, `there is no board ${uid}; there are ${known.join(', ')}`)
}

function targetOf(panels: Panel[], id: number, refId: string) {
  const target = panels.find((panel) => panel.id === id)?.targets.find((one) => one.refId === refId)
  if (target === undefined) throw new Problem(404, `the board has no panel ${id} with a query ${refId}`)
  return target
}

function valid<T extends { from: number; to: number }>(schema: z.ZodType<T>, input: unknown): T {
  const parsed = schema.safeParse(input)
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`)
    throw new Problem(400, faults.join('; '))
  }
  const { from, to } = parsed.data
  if (from >= to) throw new Problem(400, 'from must be before to, both in epoch milliseconds')
  if (to - from > limits.rangeMs) throw new Problem(400, `the range is longer than ${limits.rangeMs / 86_400_000} days`)
  return parsed.data
}

/** A bucket width that the roll-ups can answer: whole minutes from a minute up, whole quarters from an hour up. */
function bucketMs(wanted: number, range: number): number {
  const ms = Math.max(wanted, range / limits.answerBuckets, 1000)
  const grain = ms >= 3600_000 ? 900_000 : ms >= 60_000 ? 60_000 : 1000
  return Math.ceil(ms / grain) * grain
}

async function ask(store: Store, sql: string): Promise<PanelAnswer> {
  try {
    return shown(
      await store.askColumns(`${sql}\nSETTINGS date_time_output_format = 'unix_timestamp', session_timezone = 'UTC'`),
    )
  } catch (error) {
    // 159: took too long, 241: too much memory, 396: too many rows. A smaller question can be answered.
    if (error instanceof ClickHouseError && ['159', '241', '396'].includes(error.code)) {
      throw new Problem(503, `this was too much for the store (${error.type}): choose a shorter time range`)
    }
    throw error
  }
}

function shown({ columns, rows }: Answer): PanelAnswer {
  const types = columns.map(({ type }) => kindOf(type))
  return {
    columns: columns.map(({ name }, index) => ({ name, type: types[index]! })),
    rows: rows.map((row) =>
      row.map((value, index) => {
        if (value === null) return null
        if (types[index] === 'time') return Math.round(Number(value) * 1000)
        return types[index] === 'number' ? Number(value) : String(value)
      }),
    ),
  }
}

/** What a ClickHouse type is to a panel. */
function kindOf(type: string): 'time' | 'number' | 'text' {
  const bare = type.replace(/^(?:(?:Nullable|LowCardinality)\()+/, '')
  if (bare.startsWith('DateTime')) return 'time'
  return /^U?Int|^Float|^Decimal/.test(bare) ? 'number' : 'text'
}
