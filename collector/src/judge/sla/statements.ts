import { calledQuestion, sliceConsumersQuestion } from '../../aggregate/slices.ts'
import { statementsQuestion } from '../../aggregate/statements.ts'
import type { Config, Objective } from '../../config/config.ts'
import { limits } from '../../limits.ts'
import type { Store } from '../../store/store.ts'
import { timeText } from '../../store/time.ts'
import { monthAt, monthPeriod } from './month.ts'
import { type Ask, NoStatement, reckon, type Subject } from './reckon.ts'
import { judgesAlike, type StatementDocument, sealed } from './statement.ts'

/** A statement with its place among the versions. */
export interface Statement {
  /** Null: made while it was asked for and not kept, since the month is not closed. */
  readonly version: number | null
  readonly madeMs: number | null
  /** SHA-256 of the JSON text of the document, in hexadecimal. */
  readonly checksum: string
  readonly document: StatementDocument
}

/** What there is for a consumer's month. */
export interface MonthOfStatements {
  readonly statements: readonly Statement[]
  /** Promises whose month cannot be counted exactly, or not any more. */
  readonly missing: readonly { readonly objective: string; readonly why: string }[]
}

/**
 * SLA statements of consumers and months. One that was kept is given out as it was, whatever became of calls and terms
 * since; it is made anew only when asked to, and then it is a further version if it judges otherwise.
 */
export class Statements {
  readonly #store: Store
  readonly #config: () => Config
  readonly #now: () => number
  /** One after another, so that no two make the same version. */
  #making: Promise<unknown> = Promise.resolve()

  constructor(parts: { store: Store; config: () => Config; now?: () => number }) {
    this.#store = parts.store
    this.#config = parts.config
    this.#now = parts.now ?? Date.now
  }

  get config(): Config {
    return this.#config()
  }

  timeZoneOf(consumer: string): string {
    return this.#config().consumers.find(({ id }) => id === consumer)?.timeZone ?? 'UTC'
  }

  /** The month that holds now for a consumer. */
  thisMonth(consumer: string): string {
    return monthAt(this.timeZoneOf(consumer), this.#now())
  }

  /**
   * The statements of a consumer's month: what is kept, and what is not closed as of now.
   *
   * @param objective only this one
   * @throws NoStatement
   */
  async ofMonth(consumer: string, month: string, objective?: string): Promise<MonthOfStatements> {
    const subjects = await this.#asked(consumer, month, objective)
    const kept = await this.#kept(asPage(this.#store), consumer, month)
    return each(subjects, (subject) => {
      const last = kept.get(subject.objective.name)
      if (last?.document.final) return last
      const closed = this.#now() >= subject.period.endMs + limits.slaLatenessMs
      return closed ? this.keep(subject, asPage(this.#store)) : this.#draft(subject)
    })
  }

  /**
   * An earlier version, as it was.
   *
   * @throws NoStatement when there is none
   */
  async version(consumer: string, month: string, version: number, objective?: string): Promise<MonthOfStatements> {
    const kept = await this.#kept(asPage(this.#store), consumer, month, version)
    const found = [...kept.values()].filter(
      ({ document }) => objective === undefined || document.objective === objective,
    )
    if (found.length > 0) return { statements: found, missing: [] }
    const which = objective === undefined ? '' : ` of ${objective}`
    throw new NoStatement(404, `there is no version ${version}${which} for ${consumer} in ${month}`)
  }

  /** Makes a consumer's month anew and keeps what judges otherwise than the last version, closed or not. */
  async recompute(consumer: string, month: string, objective?: string): Promise<MonthOfStatements> {
    const subjects = await this.#asked(consumer, month, objective)
    return each(subjects, (subject) => this.keep(subject, asPage(this.#store)))
  }

  /**
   * The promises to a consumer, with their months.
   *
   * @throws NoStatement for a month that is none or has not begun, and for an objective that promises this consumer nothing
   */
  subjects(consumer: string, month: string, objective?: string): Subject[] {
    const timeZone = this.timeZoneOf(consumer)
    const period = monthPeriod(month, timeZone)
    if (period === undefined) throw notAMonth(month)
    if (period.startMs > this.#now()) throw new NoStatement(400, `${month} has not begun in ${timeZone}`)
    const { objectives } = this.#config()
    const own = objectives.filter((one) => one.per === 'consumer' || one.consumer === consumer)
    if (objective === undefined) return own.map((one) => ({ objective: one, consumer, month, timeZone, period }))
    const found = own.find(({ name }) => name === objective)
    if (found === undefined) throw notPromised(objectives, objective, consumer)
    return [{ objective: found, consumer, month, timeZone, period }]
  }

  /** The same of a consumer that somebody named, who may have meant another. */
  async #asked(consumer: string, month: string, objective?: string): Promise<Subject[]> {
    const subjects = this.subjects(consumer, month, objective)
    const { consumers, objectives } = this.#config()
    if (consumers.some(({ id }) => id === consumer)) return subjects
    if (objectives.some((one) => one.consumer === consumer)) return subjects
    if ((await this.#kept(asPage(this.#store), consumer, month)).size > 0) return subjects
    const { startMs, endMs } = monthPeriod(month, 'UTC')!
    const { sql, params } = calledQuestion(consumer, startMs, endMs)
    if ((await this.#store.ask(sql, params)).length > 0) return subjects
    const name = JSON.stringify(consumer)
    throw new NoStatement(404, `no calls of consumer ${name} in ${month}, and it is not in callsight.yaml`)
  }

  /**
   * Those whose statements of a month may be asked for: the configured ones, and the busiest of the others.
   *
   * @throws NoStatement for a month that is none
   */
  async consumers(month: string): Promise<string[]> {
    const period = monthPeriod(month, 'UTC')
    if (period === undefined) throw notAMonth(month)
    const { sql, params } = sliceConsumersQuestion(
      { service: undefined, operation: undefined },
      period.startMs,
      period.endMs,
      limits.slaListed,
    )
    const called = (await this.#store.ask(sql, params)).map((row) => String(row.consumer))
    return [...new Set([...this.#config().consumers.map(({ id }) => id), ...called])].slice(0, limits.slaListed)
  }

  /**
   * Counts a month and keeps its statement, unless the last version judges alike. Then that one is given back.
   *
   * @throws NoStatement
   */
  keep(subject: Subject, ask: Ask): Promise<Statement> {
    const kept = this.#making.then(() => this.#keep(subject, ask))
    this.#making = kept.catch(() => {})
    return kept
  }

  async #keep(subject: Subject, ask: Ask): Promise<Statement> {
    const { consumer, month, objective } = subject
    const last = (await this.#kept(ask, consumer, month)).get(objective.name)
    const { document, text, checksum } = await this.#reckoned(subject, ask)
    if (last !== undefined && judgesAlike(last.document, document)) return last
    if (last?.document.final && seen(document) < seen(last.document)) {
      const what = `the store has ${seen(document)} calls of it, and version ${last.version} was made from ${seen(last.document)}`
      throw new NoStatement(409, `${month} of ${consumer} is not made anew for ${objective.name}: ${what}`)
    }
    const version = (last?.version ?? 0) + 1
    const madeMs = this.#now()
    const row = {
      consumer,
      month: `${month}-01`,
      objective: objective.name,
      version,
      made_at: timeText(madeMs),
      final: document.final,
      watermark: timeText(Date.parse(document.judged_until)),
      checksum,
      terms: JSON.stringify(document.terms),
      statement: text,
    }
    await this.#store.insert('sla_statements', [row], `sla-${version}-${checksum}`)
    return { version, madeMs, checksum, document }
  }

  async #draft(subject: Subject): Promise<Statement> {
    const { document, checksum } = await this.#reckoned(subject, asPage(this.#store))
    return { version: null, madeMs: null, checksum, document }
  }

  async #reckoned(subject: Subject, ask: Ask) {
    const parts = { store: this.#store, ask, config: this.#config(), nowMs: this.#now() }
    const document = await reckon(parts, subject)
    return { document, ...sealed(document) }
  }

  async #kept(ask: Ask, consumer: string, month: string, version?: number): Promise<Map<string, Statement>> {
    if (monthPeriod(month, 'UTC') === undefined) return new Map()
    const { sql, params } = statementsQuestion(consumer, month, version)
    const rows = await ask(sql, params)
    return new Map(
      rows.map((row) => [
        String(row.objective),
        {
          version: Number(row.version),
          madeMs: Number(row.made_ms),
          checksum: String(row.checksum),
          document: JSON.parse(String(row.statement)) as StatementDocument,
        },
      ]),
    )
  }
}

/**
 * One promise that cannot be counted does not hide the others.
 *
 * @throws NoStatement when it is the only one
 */
async function each(
  subjects: readonly Subject[],
  make: (subject: Subject) => Statement | Promise<Statement>,
): Promise<MonthOfStatements> {
  const statements: Statement[] = []
  const missing: { objective: string; why: string }[] = []
  for (const subject of subjects) {
    try {
      statements.push(await make(subject))
    } catch (error) {
      if (!(error instanceof NoStatement) || subjects.length === 1) throw error
      missing.push({ objective: subject.objective.name, why: error.message })
    }
  }
  return { statements, missing }
}

/** Questions of somebody who waits are bounded. */
function asPage(store: Store): Ask {
  return (sql, params) => store.ask(sql, params)
}

function seen({ calls }: StatementDocument): number {
  return calls.judged + calls.excluded
}

function notAMonth(text: string): NoStatement {
  return new NoStatement(400, `"month" is ${JSON.stringify(text)}: write it as 2026-11`)
}

function notPromised(objectives: readonly Objective[], name: string, consumer: string): NoStatement {
  const found = objectives.find((one) => one.name === name)
  if (found === undefined) {
    return new NoStatement(404, `there is no objective ${JSON.stringify(name)}: objectives stand in callsight.yaml`)
  }
  const whom = found.consumer === undefined ? 'over all' : `to ${found.consumer}`
  return new NoStatement(
    404,
    `the objective ${JSON.stringify(name)} is a promise ${whom}, and none to ${consumer}: a statement needs per: consumer`,
  )
}
