import { quoted, Unreadable } from '../config/fault.ts'
import { type Count, countOf, type Matcher, type Selector } from './promql.ts'

/** What a ratio of Prometheus says about calls, in the words of callsight.yaml. */
export interface Indicator {
  readonly service?: string
  readonly operation?: string
  readonly consumer?: string
  readonly good?: { latency_below: string }
  readonly failed?: readonly (string | number)[]
}

const labels = {
  service: ['service_name', 'service', 'job', 'app', 'exported_job', 'exported_service'],
  status: ['http_response_status_code', 'http_status_code', 'status_code', 'status', 'code', 'response_code'],
  method: ['http_request_method', 'method', 'verb'],
  route: ['http_route', 'route', 'handler', 'path', 'uri', 'endpoint'],
  consumer: ['consumer', 'client_id', 'customer'],
} as const
type Kind = keyof typeof labels

const byHand = 'write the objective by hand, in callsight.yaml'

/**
 * The indicator of two counts: the bad ones, and all.
 *
 * Bad are failed calls (the same selector with a status on top) or slow ones (all but the bucket `le`).
 *
 * @throws Unreadable where the two count something else than calls of one operation
 */
export function indicatorOfErrors(errors: string, total: string): Indicator {
  const bad = countOf(errors)
  const all = one(countOf(total), total)
  if (bad.taken.length === 1 && bad.added.length === 1) return latency(all, bad.taken[0]!)
  const failing = one(bad, errors)
  const statuses = failing.matchers.filter(({ label }) => kindOf(label) === 'status')
  if (statuses.length === 0) throw new Unreadable(`${quoted(errors)} does not say which status is an error`, byHand)
  sameSubject(all, failing, 'status', errors)
  const failed = failedBy(statuses)
  return { ...subject(all), ...(failed === undefined ? {} : { failed }) }
}

/** The indicator of the calls that were fast enough, a bucket of a histogram, and all. @throws Unreadable */
export function indicatorOfSuccess(success: string, total: string): Indicator {
  return latency(one(countOf(total), total), one(countOf(success), success))
}

function latency(all: Selector, fast: Selector): Indicator {
  const bound = fast.matchers.find(({ label, operator }) => label === 'le' && operator === '=')
  if (bound === undefined) throw new Unreadable(`${quoted(fast.metric)} has no le="seconds"`, byHand)
  sameSubject(all, fast, 'le', fast.metric)
  const seconds = Number(bound.value)
  if (!(seconds > 0 && Number.isFinite(seconds)))
    throw new Unreadable(`le=${quoted(bound.value)} is no latency`, byHand)
  return { ...subject(all), good: { latency_below: latencyText(seconds) } }
}

/** Seconds as callsight.yaml writes them. */
export function latencyText(seconds: number): string {
  const us = Math.round(seconds * 1e6)
  if (us % 1_000_000 === 0) return `${us / 1_000_000}s`
  return us % 1000 === 0 ? `${us / 1000}ms` : `${us}us`
}

function one({ added, taken }: Count, text: string): Selector {
  if (added.length === 1 && taken.length === 0) return added[0]!
  throw new Unreadable(`${quoted(text)} counts more than one metric`, byHand)
}

/** Both must be about the same calls, but for what makes the one a part of the other. */
function sameSubject(all: Selector, part: Selector, but: 'status' | 'le', text: string): void {
  const rest = ({ matchers }: Selector) =>
    matchers
      .filter(({ label, operator, value }) => {
        const isBound = label === 'le' && (but === 'le' || (operator === '=' && value === '+Inf'))
        return !isBound && !(but === 'status' && kindOf(label) === 'status')
      })
      .map(({ label, operator, value }) => `${label}${operator}${value}`)
      .sort()
      .join()
  if (rest(all) === rest(part)) return
  throw new Unreadable(`${quoted(text)} and the total are about different calls`, byHand)
}

function subject({ matchers }: Selector): Indicator {
  const found: Partial<Record<Kind, string>> = {}
  for (const { label, operator, value } of matchers) {
    if (label === 'le') continue
    const kind = kindOf(label)
    if (kind === undefined || kind === 'status') throw new Unreadable(`calls have no label ${quoted(label)}`, byHand)
    if (operator !== '=' && !(operator === '=~' && /^[\w/:.-]*(\.[*+])?$/.test(value))) {
      throw new Unreadable(`${label}${operator}${quoted(value)} names more than one value`, byHand)
    }
    // Of several labels for the service the first in our list is the most telling.
    if (found[kind] !== undefined && kind !== 'service')
      throw new Unreadable(`${quoted(label)} says ${kind} twice`, byHand)
    if (found[kind] === undefined || rank(kind, label) === 0) {
      found[kind] = operator === '=' ? value : value.replace(/\.[*+]$/, '*')
    }
  }
  const { service, method, route, consumer } = found
  if (service?.includes('*') || consumer?.includes('*'))
    throw new Unreadable('a service or consumer is a pattern', byHand)
  const operation = method === undefined && route === undefined ? undefined : `${method ?? '*'} ${route ?? '*'}`
  return {
    ...(service === undefined ? {} : { service }),
    ...(operation === undefined ? {} : { operation }),
    ...(consumer === undefined ? {} : { consumer }),
  }
}

function rank(kind: Kind, label: string): number {
  return (labels[kind] as readonly string[]).indexOf(label)
}

function kindOf(label: string): Kind | undefined {
  return (Object.keys(labels) as Kind[]).find((kind) => rank(kind, label) >= 0)
}

/**
 * The statuses that conditions select, tried on each there is: undefined when they are our own meaning of failed (every
 * 5xx), else outcomes and single statuses.
 *
 * @throws Unreadable when a 5xx is left out: our failures include those that no status tells
 */
function failedBy(conditions: readonly Matcher[]): (string | number)[] | undefined {
  const bad = Array.from({ length: 500 }, (_, i) => i + 100).filter((status) =>
    conditions.every((m) => matches(m, status)),
  )
  const server = bad.filter((status) => status >= 500).length
  const client = bad.filter((status) => status >= 400 && status < 500)
  if (server < 100) throw new Unreadable('some server errors would count as good', byHand)
  if (bad.some((status) => status < 400)) throw new Unreadable('a status below 400 would count as failed', byHand)
  if (client.length === 0) return undefined
  return ['server_error', 'timeout', ...(client.length === 100 ? ['client_error'] : client)]
}

/** Prometheus anchors its regular expressions at both ends; a class such as `5xx` stands for its hundred. */
function matches({ operator, value }: Matcher, status: number): boolean {
  const texts = [String(status), `${Math.floor(status / 100)}xx`]
  if (operator === '=' || operator === '!=') return texts.includes(value) === (operator === '=')
  let pattern: RegExp
  try {
    pattern = new RegExp(`^(?:${value})$`)
  } catch {
    throw new Unreadable(`${quoted(value)} is not a regular expression`, 'correct it')
  }
  return texts.some((text) => pattern.test(text)) === (operator === '=~')
}
