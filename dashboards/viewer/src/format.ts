import type { Unit } from '@callsight/dashboards'
import { limits } from './limits.ts'

/** A number as it is shown: the unit apart, so that a large figure can have a small unit. */
export interface Shown {
  text: string
  suffix: string
}

type Write = (value: number, decimals: number | undefined) => Shown

/** One entry for each unit that a board may use. */
const writers: Record<Unit, Write> = {
  none: (value, decimals) => ({ text: digits(value, decimals), suffix: '' }),
  short: (value, decimals) => scaled(value, decimals, 1000, ['', 'K', 'M', 'B', 'T'], ''),
  locale: (value) => ({ text: value.toLocaleString(undefined, { maximumFractionDigits: 1 }), suffix: '' }),
  reqps: (value, decimals) => scaled(value, decimals, 1000, [' req/s', 'K req/s', 'M req/s'], ''),
  percentunit: (value, decimals) => ({ text: digits(value * 100, decimals), suffix: '%' }),
  µs: (value, decimals) => (value === 0 ? { text: '0', suffix: ' µs' } : duration(value / 1000, decimals)),
  ms: (value, decimals) => duration(value, decimals),
  s: (value, decimals) => duration(value * 1000, decimals),
  bytes: (value, decimals) => scaled(value, decimals, 1024, [' B', ' KiB', ' MiB', ' GiB', ' TiB'], ''),
  dateTimeFromNow: (value) => ({ text: fromNow(value, Date.now()), suffix: '' }),
  'suffix:×': (value, decimals) => ({ text: digits(value, decimals), suffix: '×' }),
}

/** Writes a number in its unit. */
export function format(value: number, unit: Unit, decimals?: number): Shown {
  return writers[unit](value, decimals)
}

/** The same in one text. */
export function written(value: number, unit: Unit, decimals?: number): string {
  const { text, suffix } = format(value, unit, decimals)
  return text + suffix
}

/** As many decimals as asked, else three digits in all and no needless zeros. */
function digits(value: number, decimals: number | undefined): string {
  if (decimals !== undefined) return value.toFixed(decimals)
  if (value === 0) return '0'
  const before = Math.floor(Math.log10(Math.abs(value))) + 1
  const after = Math.min(Math.max(limits.digits - Math.max(before, 1), 0), limits.digits)
  return String(Number(value.toFixed(before < 0 ? after + 1 : after)))
}

function scaled(value: number, decimals: number | undefined, base: number, suffixes: string[], after: string): Shown {
  let scale = 0
  let rest = value
  while (Math.abs(rest) >= base && scale < suffixes.length - 1) {
    rest /= base
    scale++
  }
  return { text: digits(rest, decimals), suffix: suffixes[scale]! + after }
}

function duration(ms: number, decimals: number | undefined): Shown {
  const size = Math.abs(ms)
  if (size < 1 && size > 0) return { text: digits(ms * 1000, decimals), suffix: ' µs' }
  if (size < 1000) return { text: digits(ms, decimals), suffix: ' ms' }
  if (size < 60_000) return { text: digits(ms / 1000, decimals), suffix: ' s' }
  if (size < 3600_000) return { text: digits(ms / 60_000, decimals === 0 ? undefined : decimals), suffix: ' min' }
  if (size < 86_400_000) return { text: digits(ms / 3600_000, decimals === 0 ? undefined : decimals), suffix: ' h' }
  return { text: digits(ms / 86_400_000, decimals === 0 ? undefined : decimals), suffix: ' days' }
}

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'always' })

/** A moment as a distance from now: `3 minutes ago`, `in 9 days`. */
export function fromNow(ms: number, now: number): string {
  const seconds = Math.round((ms - now) / 1000)
  const size = Math.abs(seconds)
  if (size < 2) return 'just now'
  if (size < 60) return relative.format(seconds, 'second')
  if (size < 3600) return relative.format(Math.trunc(seconds / 60), 'minute')
  if (size < 86_400) return relative.format(Math.trunc(seconds / 3600), 'hour')
  return relative.format(Math.trunc(seconds / 86_400), 'day')
}
