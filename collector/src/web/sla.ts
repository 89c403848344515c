import type { FastifyReply, FastifyRequest } from 'fastify'
import { NoStatement } from '../judge/sla/reckon.ts'
import type { MonthOfStatements, Statement, Statements } from '../judge/sla/statements.ts'
import { Problem } from './problem.ts'
import type { Routes } from './server.ts'
import { statementsCsv } from './sla/csv.ts'
import { statementPage } from './sla/page.ts'
import { time } from './traffic.ts'

interface Query {
  month?: string
  objective?: string
  version?: string
  format?: string
}

const formats = ['json', 'csv', 'html']

/** A page of its own: no script, nothing from elsewhere. */
const policy =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** SLA statements: of one consumer, as JSON, CSV or a page to print, and of all for a list. */
export function slaRoutes(statements: Statements): Routes {
  return async (server) => {
    server.get('/api/v1/consumers/:id/sla', (request, reply) => answer(statements, request, reply, false))
    server.post('/api/v1/consumers/:id/sla', (request, reply) => answer(statements, request, reply, true))

    server.get('/api/v1/sla', async (request, reply) => {
      const { month = statements.thisMonth(''), objective, format = 'json' } = request.query as Query
      if (format === 'html') throw new Problem(400, '"format" html is for one consumer: ask /api/v1/consumers/ID/sla')
      if (!formats.includes(format)) {
        throw new Problem(400, `"format" is ${JSON.stringify(format)}: use json or csv`)
      }
      const found = await orProblem(() => ofAll(statements, month, objective))
      if (format === 'csv') return sendCsv(reply, found)
      return {
        month,
        statements: found.map((statement) => {
          const { consumer } = statement.document
          return { consumer, name: nameOf(statements, consumer), ...statementJson(statement) }
        }),
      }
    })
  }
}

async function answer(statements: Statements, request: FastifyRequest, reply: FastifyReply, anew: boolean) {
  const { id } = request.params as { id: string }
  const { month = statements.thisMonth(id), objective, version, format = 'json' } = request.query as Query
  if (!formats.includes(format)) {
    throw new Problem(400, `"format" is ${JSON.stringify(format)}: use ${formats.join(', ')}`)
  }
  if (version !== undefined && !/^[1-9]\d{0,8}$/.test(version)) {
    throw new Problem(400, `"version" is ${JSON.stringify(version)}: write a number from 1`)
  }
  if (version !== undefined && anew)
    throw new Problem(400, '"version" is kept as it is: leave it out to make a new one')
  const found = await orProblem(() => {
    if (version !== undefined) return statements.version(id, month, Number(version), objective)
    return anew ? statements.recompute(id, month, objective) : statements.ofMonth(id, month, objective)
  })
  const [first] = found.statements
  if (first === undefined) throw new Problem(found.missing.length > 0 ? 409 : 404, whyNone(found))
  const name = nameOf(statements, id)
  if (format === 'csv') return sendCsv(reply, found.statements)
  if (format === 'html') {
    reply.type('text/html; charset=utf-8').header('content-security-policy', policy)
    return reply.send(statementPage(name, found))
  }
  return {
    consumer: id,
    name,
    month,
    time_zone: first.document.time_zone,
    statements: found.statements.map(statementJson),
    missing: found.missing,
  }
}

function whyNone({ missing }: MonthOfStatements): string {
  if (missing.length > 0) return missing.map(({ why }) => why).join('\n')
  return 'nothing is promised to consumers: an objective with per: consumer in callsight.yaml would be'
}

function sendCsv(reply: FastifyReply, found: readonly Statement[]): FastifyReply {
  return reply.type('text/csv; charset=utf-8').send(statementsCsv(found))
}

/** What stands for a consumer whose month has not begun, or cannot be counted any more, is nothing: others go on. */
async function ofAll(statements: Statements, month: string, objective: string | undefined): Promise<Statement[]> {
  const found: Statement[] = []
  const refused: NoStatement[] = []
  for (const consumer of await statements.consumers(month)) {
    try {
      found.push(...(await statements.ofMonth(consumer, month, objective)).statements)
    } catch (error) {
      if (!(error instanceof NoStatement)) throw error
      refused.push(error)
    }
  }
  if (found.length === 0 && refused.length > 0) throw refused[0]!
  return found
}

async function orProblem<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof NoStatement) throw new Problem(error.status, error.message)
    throw error
  }
}

function nameOf(statements: Statements, consumer: string): string {
  return statements.config.consumers.find(({ id }) => id === consumer)?.name ?? consumer
}

function statementJson({ version, madeMs, checksum, document }: Statement) {
  const { attained, met, credit, final, objective } = document
  return {
    objective,
    version,
    made_at: madeMs === null ? null : time(madeMs),
    final,
    attained_ratio: attained === null ? null : Number(attained.replace('%', 'e-2')),
    met,
    credit,
    checksum: `sha256:${checksum}`,
    statement: document,
  }
}
