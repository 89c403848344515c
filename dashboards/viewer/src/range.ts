/** A time range as the URL has it: `now-15m`, `now` or epoch milliseconds. */
export interface Range {
  from: string
  to: string
}

/** The same in epoch milliseconds. */
export interface Span {
  from: number
  to: number
}

const units: Record<string, number> = { s: 1000, m: 60_000, h: 3600_000, d: 86_400_000, w: 604_800_000 }

export const presets: { label: string; from: string }[] = [
  { label: 'Last 5 minutes', from: 'now-5m' },
  { label: 'Last 15 minutes', from: 'now-15m' },
  { label: 'Last 30 minutes', from: 'now-30m' },
  { label: 'Last hour', from: 'now-1h' },
  { label: 'Last 3 hours', from: 'now-3h' },
  { label: 'Last 6 hours', from: 'now-6h' },
  { label: 'Last 24 hours', from: 'now-24h' },
  { label: 'Last 2 days', from: 'now-2d' },
  { label: 'Last 7 days', from: 'now-7d' },
  { label: 'Last 30 days', from: 'now-30d' },
  { label: 'Last 90 days', from: 'now-90d' },
]

/** Epoch milliseconds of one end of a range, or undefined when it is not one. */
export function instantOf(text: string, now: number): number | undefined {
  if (/^\d{10,16}$/.test(text)) return Number(text)
  const relative = /^now(?:-(\d{1,6})([smhdw]))?$/.exec(text)
  if (relative === null) return undefined
  return relative[1] === undefined ? now : now - Number(relative[1]) * units[relative[2]!]!
}

/** Resolves a range at a moment; an impossible one becomes the fallback. */
export function spanOf(range: Range, fallback: Range, now: number): Span {
  const from = instantOf(range.from, now)
  const to = instantOf(range.to, now)
  if (from !== undefined && to !== undefined && from < to) return { from, to }
  return { from: instantOf(fallback.from, now) ?? now - units.h!, to: instantOf(fallback.to, now) ?? now }
}

/** What to call a range. */
export function labelOf(range: Range, now: number): string {
  const preset = presets.find(({ from }) => from === range.from && range.to === 'now')
  if (preset !== undefined) return preset.label
  const relative = /^now-(\d+)([smhdw])$/.exec(range.from)
  if (relative !== null && range.to === 'now') return `Last ${relative[1]} ${relative[2]}`
  const { from, to } = spanOf(range, range, now)
  const sameDay = new Date(from).toDateString() === new Date(to).toDateString()
  return `${moment(from)} – ${sameDay ? clock(to, true) : moment(to)}`
}

const dayFormat = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })
const clockFormat = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
const secondsFormat = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
})

export const day = (ms: number) => dayFormat.format(ms)
export const clock = (ms: number, seconds = false) => (seconds ? secondsFormat : clockFormat).format(ms)
export const moment = (ms: number) => `${day(ms)}, ${clock(ms, true)}`

/** The bucket width for a range and a number of points, rounded as Grafana rounds it. */
export function intervalOf({ from, to }: Span, points: number): number {
  const wanted = (to - from) / points
  const step = steps.find(([below]) => wanted < below)
  return step?.[1] ?? 86_400_000
}

/** Up to the first number the interval is the second one, in milliseconds. */
const steps: [number, number][] = [
  [1500, 1000],
  [3500, 2000],
  [7500, 5000],
  [12_500, 10_000],
  [17_500, 15_000],
  [25_000, 20_000],
  [45_000, 30_000],
  [90_000, 60_000],
  [210_000, 120_000],
  [450_000, 300_000],
  [750_000, 600_000],
  [1_050_000, 900_000],
  [1_500_000, 1_200_000],
  [2_700_000, 1_800_000],
  [5_400_000, 3_600_000],
  [9_000_000, 7_200_000],
  [16_200_000, 10_800_000],
  [32_400_000, 21_600_000],
  [86_400_000, 43_200_000],
]

/** The range twice as long around the same middle. */
export function wider({ from, to }: Span, now: number): Range {
  const half = (to - from) / 2
  return { from: String(Math.round(from - half)), to: to + half >= now ? 'now' : String(Math.round(to + half)) }
}
