import { limits } from '../../limits.ts'
import { type Member, readDictionary, readList } from './fields.ts'
import { momentOf } from './moment.ts'
import { readNamed } from './named.ts'
import { policyText, type Told } from './told.ts'

export interface Answered {
  readonly quotas: readonly Told[]
  /** Not before this, epoch milliseconds. */
  readonly retryAtMs: number | undefined
  /** The call was turned away for having been one too many. */
  readonly refused: boolean
}

const QUOTA =
  /^(?:(?:[a-z0-9]+-){0,4}(?:ratelimit|rate-limit)s?(?:-[a-z0-9]+){0,6}|(?:x-ms-)?retry-after(?:-ms)?|x-shopify-shop-api-call-limit|sforce-limit-info)$/

/** Whether a field, by its name in lower case, may tell of a quota. */
export function isQuotaField(name: string): boolean {
  return name.length <= limits.upstreamNameChars && QUOTA.test(name)
}

/**
 * What an answer tells of quotas. Whatever is not understood is passed over; nothing here throws.
 *
 * @param fields by name in lower case; of a field sent twice the values joined by commas
 * @param nowMs when the answer came
 */
export function readQuotas(fields: ReadonlyMap<string, string>, status: number, nowMs: number): Answered {
  const bounded = boundedOf(fields)
  const all = readStandard(bounded, nowMs) ?? readNamed(bounded, nowMs) ?? readUsage(bounded) ?? []
  const quotas = all.slice(0, limits.upstreamPolicies).map(withWindow)
  const turned = status === 429 || status === 503 || status === 403
  const retryAtMs = turned ? retryOf(bounded, nowMs) : undefined
  // GitHub answers 403 for a quota that is used up, others 503; both statuses mean other things as well.
  const usedUp = retryAtMs !== undefined || quotas.some(({ remaining }) => remaining === 0)
  return { quotas, retryAtMs, refused: status === 429 || (turned && usedUp) }
}

function boundedOf(fields: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  for (const value of fields.values()) {
    if (value.length > limits.upstreamFieldChars) {
      return new Map([...fields].filter(([, { length }]) => length <= limits.upstreamFieldChars))
    }
  }
  return fields
}

/** A window of nothing is none. */
function withWindow(told: Told): Told {
  const { windowS } = told
  if (windowS === undefined) return told
  const known = windowS > 0 && windowS * 1000 <= limits.upstreamAheadMs
  return known ? told : { ...told, windowS: undefined }
}

/** The standard to be, in its newest form or as draft 07 had it. */
function readStandard(fields: ReadonlyMap<string, string>, nowMs: number): Told[] | undefined {
  const limit = fields.get('ratelimit')
  const policy = fields.get('ratelimit-policy')
  if (limit === undefined && policy === undefined) return undefined
  const named = (list: Member[] | undefined) => list?.filter((member) => nameOf(member) !== undefined) ?? []
  const policies = named(policy === undefined ? undefined : readList(policy))
  const standings = named(limit === undefined ? undefined : readList(limit))
  if (policies.length + standings.length === 0)
    return limit === undefined ? undefined : readDraft07(limit, policy, nowMs)
  const names = new Set([...standings, ...policies].map((member) => nameOf(member)!))
  return [...names].map((name) => {
    const about = policies.find((member) => nameOf(member) === name)
    const now = standings.find((member) => nameOf(member) === name)
    const wait = countOf(now, 't')
    return {
      policy: name,
      unit: unitOf(about),
      allowed: countOf(about, 'q'),
      remaining: countOf(now, 'r'),
      resetAtMs: wait === undefined ? undefined : momentOf(String(wait), nowMs),
      windowS: countOf(about, 'w'),
      dialect: 'ratelimit',
    }
  })
}

/** `limit=100, remaining=50, reset=30` beside `100;w=60`. */
function readDraft07(field: string, policy: string | undefined, nowMs: number): Told[] | undefined {
  const members = readDictionary(field)
  if (members === undefined) return undefined
  const number = (name: string) => wholeOf(members.get(name))
  const allowed = number('limit')
  const remaining = number('remaining')
  if (allowed === undefined && remaining === undefined) return undefined
  const policies = (policy === undefined ? undefined : readList(policy)) ?? []
  const own =
    policies.find((member) => wholeOf(member) === allowed) ?? (policies.length === 1 ? policies[0] : undefined)
  const reset = number('reset')
  return [
    {
      policy: '',
      unit: '',
      allowed,
      remaining,
      resetAtMs: reset === undefined ? undefined : momentOf(String(reset), nowMs),
      windowS: countOf(own, 'w'),
      dialect: 'ratelimit-07',
    },
  ]
}

/** Shopify's `32/40`, Salesforce's `api-usage=18/5000`. */
function readUsage(fields: ReadonlyMap<string, string>): Told[] | undefined {
  const field = fields.get('x-shopify-shop-api-call-limit') ?? fields.get('sforce-limit-info')
  if (field === undefined) return undefined
  const found = [...field.matchAll(/(?<![\d/])(?:\b([a-z][a-z-]{0,40})=)?(\d{1,12})\/(\d{1,12})(?![\d/])/g)]
  if (found.length === 0) return undefined
  return found.map(([, policy = '', used, allowed]) => ({
    policy,
    unit: '',
    allowed: Number(allowed),
    remaining: Math.max(0, Number(allowed) - Number(used)),
    resetAtMs: undefined,
    windowS: undefined,
    dialect: 'usage' as const,
  }))
}

function retryOf(fields: ReadonlyMap<string, string>, nowMs: number): number | undefined {
  const exact = fields.get('retry-after-ms') ?? fields.get('x-ms-retry-after-ms')
  if (exact !== undefined && /^\d{1,10}$/.test(exact.trim())) return momentOf(`${exact.trim()}ms`, nowMs)
  const field = fields.get('retry-after')
  return field === undefined ? undefined : momentOf(field, nowMs)
}

/** A policy's name is a string, and was a token in some drafts; numbers are older forms. */
function nameOf({ value }: Member): string | undefined {
  if (!('type' in value)) return undefined
  return value.type === 'string' || value.type === 'token' ? policyText(value.value) : undefined
}

function unitOf(member: Member | undefined): string {
  const unit = member?.parameters.get('qu')
  return unit?.type === 'string' || unit?.type === 'token' ? policyText(unit.value) : ''
}

function countOf(member: Member | undefined, parameter: string): number | undefined {
  const bare = member?.parameters.get(parameter)
  return bare?.type === 'integer' && bare.value >= 0 ? bare.value : undefined
}

function wholeOf(member: Member | undefined): number | undefined {
  const bare = member?.value
  return bare !== undefined && 'type' in bare && bare.type === 'integer' && bare.value >= 0 ? bare.value : undefined
}
