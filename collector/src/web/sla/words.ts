import type { StatementDocument, StatementTerms } from '../../judge/sla/statement.ts'

const numbers = new Intl.NumberFormat('en')

/** `12,345` */
export function number(value: number): string {
  return numbers.format(value)
}

/** `October 2026` */
export function monthName(month: string): string {
  const format = new Intl.DateTimeFormat('en', { month: 'long', year: 'numeric', timeZone: 'UTC' })
  return format.format(new Date(`${month}-15T00:00Z`))
}

/** `25 Oct 2026, 02:05 GMT+1`, by the clock of a time zone; which of two equal hours is meant, its offset tells. */
export function moment(text: string, timeZone: string): string {
  const parts = new Map<string, string>(
    new Intl.DateTimeFormat('en-US', {
      timeZone,
      day: 'numeric',
      month: 'short',
      year: 'numeric',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
      timeZoneName: 'shortOffset',
    })
      .formatToParts(new Date(text))
      .map(({ type, value }) => [type, value]),
  )
  const part = (type: string) => parts.get(type) ?? ''
  const offset = part('timeZoneName').replace('GMT', 'UTC').replace(/\+0$/, '')
  return `${part('day')} ${part('month')} ${part('year')}, ${part('hour')}:${part('minute')} ${offset}`
}

/** How long, in words: `5 minutes`, `1 hour`. */
export function minutesText(minutes: number): string {
  const hours = Math.floor(minutes / 60)
  const parts = [count(hours, 'hour'), count(minutes % 60, 'minute')].filter((part) => part !== '')
  return parts.join(' ')
}

function count(value: number, unit: string): string {
  return value === 0 ? '' : `${value} ${unit}${value === 1 ? '' : 's'}`
}

/** Which calls are good, in a sentence. */
export function goodCallText(terms: StatementTerms): string {
  const failures = terms.failed.length === 0 ? 'nothing' : orList(terms.failed.map(outcomeText))
  const good = terms.good_statuses.length === 0 ? '' : ` (but not with status ${terms.good_statuses.join(', ')})`
  const fast = terms.latency_below === null ? '' : `, or if its answer took ${terms.latency_below} or longer`
  const left = terms.not_counted.length === 0 ? '' : ` Not counted: ${terms.not_counted.map(outcomeText).join(', ')}.`
  return `A call is bad if it ended in ${failures}${good}${fast}.${left}`
}

function orList(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}

const outcomes: Record<string, string> = {
  ok: 'a good answer',
  client_error: "an error of the caller's",
  server_error: 'a server error',
  timeout: 'a timeout',
  aborted: 'a call given up by the caller',
}

function outcomeText(outcome: string | number): string {
  return typeof outcome === 'number' ? `status ${outcome}` : (outcomes[outcome] ?? outcome)
}

/** How the figure came about, in a few sentences. */
export function methodText({ terms, time_zone }: StatementDocument): string {
  const length = minutesText(terms.slice_minutes)
  const few = terms.min_calls > 1 ? `fewer than ${number(terms.min_calls)} calls` : 'no calls'
  const silent = { good: 'counts as 100%', ignore: 'is left out', bad: 'counts as 0%' }[terms.empty]
  switch (terms.formula) {
    case 'aws':
      return `The month is divided into intervals of ${length}. Each has its share of good calls; one with ${few} ${silent}. What was attained is the mean of these shares, every interval weighing the same.`
    case 'twilio': {
      const unit = terms.slice_minutes === 1 ? 'minute' : `interval of ${length}`
      const empty = { good: 'is available', ignore: 'is left out', bad: 'is unavailable' }[terms.empty]
      return `A ${unit} is unavailable if less than ${terms.unavailable_below} of its calls are good; one with ${few} ${empty}. What was attained is (A − B + C) / A: A all, B unavailable, C unavailable but excluded.`
    }
    case 'google':
      return `Each operation is judged by itself: an hour with at least ${number(terms.min_calls)} calls alone, the other hours of a day of UTC together. The promise is kept if each of these periods keeps it, so the lowest share of good calls among them is what was attained.`
    case 'calls':
      return `What was attained is good calls over all calls of the month (${time_zone}). Slices of ${length} only serve to say when calls were bad.`
  }
}

/** The figure worked out with the numbers of the month. */
export function arithmetic({ terms, slices, calls, attained }: StatementDocument): string | undefined {
  if (attained === null) return undefined
  switch (terms.formula) {
    case 'aws':
      return `mean of ${number(slices.counted)} intervals = ${attained}`
    case 'twilio': {
      const [a, b, c] = [slices.counted, slices.faulty, slices.forgiven].map(number)
      return `(${a} − ${b} + ${c}) / ${a} = ${attained}`
    }
    case 'google':
      return `lowest of ${number(slices.counted)} measurement periods = ${attained}`
    case 'calls':
      return `(${number(calls.judged)} − ${number(calls.bad)}) / ${number(calls.judged)} = ${attained}`
  }
}

/** What excluded time does. */
export function excludedText(terms: StatementTerms): string {
  if (terms.formula === 'twilio' && terms.excluded_calls === 'forgive') {
    return 'Unavailable minutes in excluded time are given back.'
  }
  if (terms.excluded_calls === 'forgive') return 'Calls that failed in excluded time are left out; good ones stay.'
  return 'Calls in excluded time do not count, whatever came of them.'
}
