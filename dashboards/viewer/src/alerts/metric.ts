/** What an alert can be about, and how its threshold is written. */
export interface Metric {
  readonly name: string
  readonly label: string
  readonly kind: Kind
}

type Kind = 'duration' | 'share' | 'calls' | 'rate' | 'size' | 'quiet' | 'factor' | 'quota' | 'score'

/** How the threshold of each kind is written, and one to begin with. */
export const kinds: Readonly<Record<Kind, { usual: string; help: string }>> = {
  duration: { usual: '300ms', help: 'A number and a unit: 800us, 300ms, 1.5s.' },
  share: { usual: '5%', help: 'A percentage of the calls: 5%, 0.5%. Server errors and timeouts are failures.' },
  calls: { usual: '1000', help: 'A number of calls in the window: 1000.' },
  rate: { usual: '0.5', help: 'Calls a second, a minute or an hour: 0.5, 30/m, 600/h.' },
  size: { usual: '64kB', help: 'A number and a unit: 800B, 64kB, 1MiB.' },
  quiet: { usual: '10m', help: 'Time since the last call of one who used to call, from 2m to 1d.' },
  factor: { usual: '', help: 'Empty: any pair of windows of the objective burns. Or a factor: 14.4.' },
  score: { usual: '', help: 'Empty: unusual for the time of the week. Or a score, from 3 on: 8.' },
  quota: { usual: '80%', help: 'A percentage of what is allowed: 80%.' },
}

const percentiles = (prefix: string, words: string, kind: Kind, shares: readonly string[]): Metric[] =>
  shares.map((share) => ({ name: `${prefix}p${share}`, label: `p${share} ${words}`, kind }))

export const groups: readonly { label: string; metrics: readonly Metric[] }[] = [
  {
    label: 'Duration',
    metrics: [
      ...percentiles('', 'of the duration', 'duration', ['50', '75', '90', '95', '99', '99.9']),
      { name: 'avg', label: 'average duration', kind: 'duration' },
      { name: 'max', label: 'longest duration', kind: 'duration' },
      ...percentiles('ttfb_', 'until the first byte', 'duration', ['50', '95', '99']),
    ],
  },
  { label: 'Failures', metrics: [{ name: 'error_rate', label: 'error rate', kind: 'share' }] },
  {
    label: 'Traffic',
    metrics: [
      { name: 'rps', label: 'rate of calls', kind: 'rate' },
      { name: 'calls', label: 'number of calls', kind: 'calls' },
      { name: 'silence', label: 'silence of one who used to call', kind: 'quiet' },
      ...percentiles('request_bytes_', 'of request sizes', 'size', ['50', '95', '99']),
      ...percentiles('response_bytes_', 'of response sizes', 'size', ['50', '95', '99']),
    ],
  },
  {
    label: 'What is unusual',
    metrics: [
      { name: 'anomaly(p95)', label: 'unusual p95', kind: 'score' },
      { name: 'anomaly(error_rate)', label: 'unusual error rate', kind: 'score' },
      { name: 'anomaly(rps)', label: 'unusual rate of calls', kind: 'score' },
    ],
  },
  {
    label: 'Promises and quotas',
    metrics: [
      { name: 'burn_rate', label: 'burn rate of an objective', kind: 'factor' },
      { name: 'quota_used', label: 'use of a quota', kind: 'quota' },
      { name: 'quota_forecast', label: 'forecast of a quota', kind: 'quota' },
    ],
  },
]

const all = groups.flatMap(({ metrics }) => metrics)

/** The metric of a name; the first of them for one that is unknown. */
export function metricOf(name: string): Metric {
  return all.find((metric) => metric.name === name) ?? all[0]!
}

const ofCalls = ['over', 'points', 'min_calls', 'direction', 'peer', 'service', 'operation', 'env', 'group_by']

/** Whether a condition says enough without a threshold. */
export function standsAlone({ kind }: Metric): boolean {
  return kind === 'factor' || kind === 'score'
}

/** Whether a key of a rule means something for a metric; the collector refuses those that do not. */
export function takes({ name, kind }: Metric, key: string, threshold: string): boolean {
  if (key === 'objective') return kind === 'factor'
  if (key === 'quota') return kind === 'quota'
  if (kind === 'score') return key !== 'confidence' && key !== 'recover'
  if (key === 'confidence') return name === 'error_rate' || /p\d/.test(name)
  if (key === 'recover') return kind !== 'quiet' && threshold !== ''
  if (kind === 'quiet') return key !== 'over' && key !== 'points'
  if (kind === 'factor' && key === 'over') return threshold !== ''
  if (kind === 'factor' || kind === 'quota') return !ofCalls.includes(key)
  return true
}
