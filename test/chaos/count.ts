import { ask } from './program.ts'
import type { Senders } from './senders.ts'

/** What the store has of one service, and what its sender was told. */
export interface Line {
  service: string
  acknowledged: number
  calls: number
  /** Different span ids in `calls`. */
  ids: number
  minutes: number
  minutesHist: number
  quarters: number
  quartersHist: number
  operationMinutes: number
  operationMinutesHist: number
  operationQuarters: number
  operationQuartersHist: number
  consumerQuarters: number
  consumerQuartersHist: number
  consumerDays: number
  consumerDaysHist: number
  instances: number
  payloadsDue: number
  payloads: number
  payloadIds: number
}

export interface Count {
  lines: Line[]
  /** Parts that the engine found broken at a start and set aside. */
  broken: string[]
  /** Empty when everything is there exactly once. */
  differences: string[]
}

/** Each roll-up, and what its calls are counted as. */
const rollups = {
  calls_1m: 'minutes',
  calls_15m: 'quarters',
  operations_1m: 'operationMinutes',
  operations_15m: 'operationQuarters',
  consumers_15m: 'consumerQuarters',
  consumers_1d: 'consumerDays',
} as const

const byService = [
  'SELECT service, count() AS calls, uniqExact(trace_id, span_id) AS ids FROM calls GROUP BY service',
  ...Object.entries(rollups).map(
    ([table, name]) =>
      `SELECT service, sum(calls) AS ${name}, arraySum(mapValues(sumMap(hist))) AS ${name}Hist FROM ${table} GROUP BY service`,
  ),
  'SELECT service, sum(calls) AS instances FROM instance_calls GROUP BY service',
  'SELECT service, count() AS payloads, uniqExact(trace_id, span_id) AS payloadIds FROM payloads GROUP BY service',
]
const byRequest =
  "SELECT trace_id, count() AS n, uniqExact(span_id) AS ids FROM calls WHERE startsWith(service, 'raw') GROUP BY trace_id"
const agentAccounts = `SELECT service, max(seen) AS seen, max(sent) AS sent, arraySum(mapValues(maxMap(dropped))) AS dropped,
  max(payloads_kept) AS payloads FROM agent_reports_15m GROUP BY service`
const agentReports = 'SELECT service, count() AS n, uniqExact(instance, ts) AS ids FROM agent_reports GROUP BY service'
const brokenParts = "SELECT concat(table, ' ', name) AS part FROM system.detached_parts WHERE database = 'callsight'"

/** Compares what is stored in the folder of a stopped collector with the accounts of the senders. */
export async function count(data: string, { raw, apps, exporters }: Senders): Promise<Count> {
  const answers = await ask(data, ...byService, byRequest, agentAccounts, agentReports, brokenParts)
  const broken = answers.pop()!.map(({ part }) => String(part))
  const [reports, accounts, requests] = [answers.pop()!, answers.pop()!, answers.pop()!]
  const lines = new Map<string, Line>()
  const line = (service: string): Line => {
    const known = lines.get(service) ?? empty(service)
    lines.set(service, known)
    return known
  }
  const differences = [...raw.flatMap((one) => one.complaints), ...exporters.flatMap((one) => one.account.complaints)]
  for (const { service, requests } of raw) {
    for (const { acknowledged, spans, payloads } of requests) {
      if (!acknowledged) continue
      line(service).acknowledged += spans
      line(service).payloadsDue += payloads
    }
  }
  for (const { service, account } of exporters) line(service).acknowledged = account.spans
  for (const { service, answered } of apps) {
    const { seen, sent, dropped, payloads } = numbers(accounts.find((row) => row.service === service) ?? {})
    line(service).acknowledged = sent ?? 0
    line(service).payloadsDue = payloads ?? 0
    if (seen !== answered || sent === undefined || dropped === undefined || seen !== sent + dropped) {
      differences.push(
        `${service}: ${answered} answers, and the agent's account is seen ${seen}, sent ${sent}, dropped ${dropped}`,
      )
    }
  }
  for (const rows of answers) {
    for (const row of rows) Object.assign(line(String(row.service)), numbers(row))
  }
  for (const { service, n, ids } of reports) {
    if (Number(n) !== Number(ids)) differences.push(`${service}: ${n} agent reports, ${ids} of them different`)
  }
  const all = [...lines.values()].sort((a, b) => a.service.localeCompare(b.service))
  return {
    lines: all,
    broken,
    differences: [...differences, ...all.flatMap(differing), ...differingRequests(raw, requests)],
  }
}

function differing({ service, ...of }: Line): string[] {
  const counts = Object.values(rollups).flatMap((name) => [of[name], of[`${name}Hist`]])
  const told = Object.entries(rollups).map(([table, name]) => `${table} ${of[name]} (hist ${of[`${name}Hist`]})`)
  const payloads = [of.payloads, of.payloadIds]
  return [
    ...([of.calls, of.ids, of.instances, ...counts].every((n) => n === of.acknowledged)
      ? []
      : [
          `${service}: ${of.acknowledged} acknowledged; calls ${of.calls} (${of.ids} ids), ${told.join(', ')}, instance_calls ${of.instances}`,
        ]),
    ...(payloads.every((n) => n === of.payloadsDue)
      ? []
      : [`${service}: ${of.payloadsDue} payloads due; ${of.payloads} stored (${of.payloadIds} ids)`]),
  ]
}

function differingRequests(raw: Senders['raw'], rows: Record<string, unknown>[]): string[] {
  const stored = new Map(rows.map(({ trace_id, ...row }) => [String(trace_id), numbers(row)]))
  return raw.flatMap(({ service, requests }) =>
    requests.flatMap(({ id, spans, acknowledged }) => {
      const { n = 0, ids = 0 } = stored.get(id) ?? {}
      const due = acknowledged ? spans : 0
      return n === due && ids === due ? [] : [`${service} ${id}: ${due} spans acknowledged, ${n} stored (${ids} ids)`]
    }),
  )
}

function numbers(row: Record<string, unknown>): Record<string, number> {
  const { service: _, ...values } = row
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)]))
}

function empty(service: string): Line {
  return {
    service,
    acknowledged: 0,
    calls: 0,
    ids: 0,
    minutes: 0,
    minutesHist: 0,
    quarters: 0,
    quartersHist: 0,
    operationMinutes: 0,
    operationMinutesHist: 0,
    operationQuarters: 0,
    operationQuartersHist: 0,
    consumerQuarters: 0,
    consumerQuartersHist: 0,
    consumerDays: 0,
    consumerDaysHist: 0,
    instances: 0,
    payloadsDue: 0,
    payloads: 0,
    payloadIds: 0,
  }
}
