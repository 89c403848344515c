import type { Outcome } from './chaos.ts'

/** Differences that are named one by one. */
const NAMED = 30

/** What happened and what is stored, as tables in Markdown. */
export function report(outcome: Outcome): string {
  const { lines, differences, seed } = outcome
  const stored = [
    'acknowledged',
    'calls',
    'ids',
    'minutes',
    'minutesHist',
    'quarters',
    'quartersHist',
    'operationMinutes',
    'operationMinutesHist',
    'operationQuarters',
    'operationQuartersHist',
    'consumerQuarters',
    'consumerQuartersHist',
    'consumerDays',
    'consumerDaysHist',
    'instances',
  ] as const
  const payloads = ['payloadsDue', 'payloads', 'payloadIds'] as const
  const columns = [...stored, ...payloads]
  const total = columns.map((column) => lines.reduce((sum, line) => sum + line[column], 0))
  return [
    table(['what happened', ''], happened(outcome)),
    table(
      [
        'service',
        'acknowledged',
        'calls',
        'ids',
        'calls_1m',
        'hist',
        'calls_15m',
        'hist',
        'operations_1m',
        'hist',
        'operations_15m',
        'hist',
        'consumers_15m',
        'hist',
        'consumers_1d',
        'hist',
        'instance_calls',
        'payloads due',
        'payloads',
        'ids',
      ],
      [...lines.map((line) => [line.service, ...columns.map((column) => line[column])]), ['all', ...total]],
    ),
    differences.length === 0
      ? `No difference. Seed ${seed}.`
      : [
          `${differences.length} differences. Seed ${seed}.`,
          ...differences.slice(0, NAMED),
          ...(differences.length > NAMED ? ['…'] : []),
        ].join('\n'),
  ].join('\n\n')
}

function happened({ collector, senders, faults, relays, disk, seconds, broken }: Outcome): [string, string | number][] {
  const { raw, exporters } = senders
  const sum = (of: (sender: (typeof raw)[number]) => number) => raw.reduce((total, sender) => total + of(sender), 0)
  const answers = new Map<string, number>()
  for (const sender of raw) {
    for (const [status, n] of Object.entries(sender.answers)) answers.set(status, (answers.get(status) ?? 0) + n)
  }
  const hits = (how: keyof (typeof relays)[number]['hits']) => relays.reduce((n, relay) => n + relay.hits[how], 0)
  const starts = [...collector.starts].sort((a, b) => a - b)
  const cuts = ['now', 'in the request', 'before the answer', 'hanging'] as const
  return [
    ['seconds', Math.round(seconds)],
    ['kill -9', collector.kills],
    ['connections cut or held up', cuts.map((how) => `${hits(how)} ${how}`).join(', ')],
    ['SIGSTOP … SIGCONT', faults.done.freeze],
    ['view failed', `${faults.done.view}, beside which the collector took requests ${faults.readyBesideView}`],
    ['disk full', disk ? faults.done.disk : 'left out'],
    ['requests of raw senders', sum(({ requests }) => requests.length)],
    ['their answers', [...answers].map(([status, n]) => `${n} × ${status}`).join(', ')],
    ['their re-sends of what may be acknowledged', sum(({ resends }) => resends)],
    ['their spans of a clock ahead', sum(({ requests }) => requests.reduce((n, { ahead }) => n + ahead, 0))],
    ...exporters.map(({ service, account }): [string, string] => [
      `exports of ${service}`,
      `${account.batches}, given up by the exporter and made again ${account.repeated}`,
    ]),
    ['re-sends recognised by the collector, at least', collector.resent],
    ['longest time without a 200, s', (Math.max(...raw.map((one) => one.longestOutage)) / 1000).toFixed(1)],
    ['starts', `${starts.length}, p50 ${ms(starts, 0.5)} ms, longest ${ms(starts, 1)} ms`],
    ['starts that ended by themselves', collector.failedStarts],
    ['parts that the engine found broken and set aside', broken.join(', ') || 0],
  ]
}

function ms(sorted: number[], quantile: number): number {
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))] ?? 0)
}

function table(head: string[], rows: (string | number)[][]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}
