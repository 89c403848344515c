import { Command } from 'commander'
import { answered, ask, type Connection, connected } from './ask.ts'

interface Options extends Connection {
  service?: string
  peer?: string
  json?: boolean
}

interface Range<T> {
  low: T
  middle: T
  high: T
}

/** What is shown of an upstream, as the API gives it. */
interface Upstream {
  env: string
  service: string
  peer: string
  peer_port: number
  policy: string
  unit: string
  state: string
  allowed: number | null
  used: number | null
  remaining: number | null
  used_ratio: number | null
  resets_at: string | null
  retry_at: string | null
  refused_calls: number
  forecast: { end: Range<number>; exhausted_at: Range<string> | null } | null
}

/**
 * `callsight upstreams`: our quotas at other servers, as their answers tell of them, by the API of a running collector.
 * Exit code 0 when shown, 1 when the collector is not there or refuses, 2 for wrong usage.
 */
export function upstreamsCommand(): Command {
  return connected(new Command('upstreams'))
    .description('Show what is left of our quotas at the servers that we call')
    .option('--service <name>', 'only those of this service of ours')
    .option('--peer <host>', 'only those at this server')
    .option('--json', 'as the API gives them')
    .action((options: Options) => answered(() => show(options)))
}

async function show(options: Options): Promise<void> {
  const { at, upstreams } = (await ask(options, 'GET', '/api/v1/upstreams')) as { at: string; upstreams: Upstream[] }
  const { service, peer } = options
  const shown = upstreams.filter(
    (one) => (service === undefined || one.service === service) && (peer === undefined || one.peer === peer),
  )
  if (options.json) return console.log(JSON.stringify(shown, undefined, 2))
  if (shown.length === 0) {
    const about = upstreams.length === 0 ? '' : ' like this'
    return console.log(`no quotas${about}: no answer to an outgoing call has told of one within a week`)
  }
  console.log(tableOf(shown, Date.parse(at)))
}

/** @param nowMs the collector's clock, epoch milliseconds */
export function tableOf(upstreams: readonly Upstream[], nowMs: number): string {
  const head = ['SERVICE', 'SERVER', 'QUOTA', 'STATE', 'USED', 'OF', 'SHARE', 'RESETS IN', 'REFUSED 1H', 'FORECAST']
  const cells = upstreams.map((one) => [
    one.env === '' ? one.service : `${one.service} (${one.env})`,
    one.peer_port === 0 || one.peer_port === 443 ? one.peer : `${one.peer}:${one.peer_port}`,
    one.policy || '-',
    one.state,
    one.used === null ? (one.remaining === null ? '-' : `${one.remaining} left`) : String(one.used),
    one.allowed === null ? '-' : `${one.allowed}${one.unit && one.unit !== one.policy ? ` ${one.unit}` : ''}`,
    one.used_ratio === null ? '-' : `${Math.floor(one.used_ratio * 100)} %`,
    waitOf(one.retry_at ?? one.resets_at, nowMs),
    String(one.refused_calls),
    forecastOf(one, nowMs),
  ])
  const widths = head.map((title, i) => Math.max(title.length, ...cells.map((row) => row[i]!.length)))
  return [head, ...cells]
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function forecastOf({ forecast, allowed }: Upstream, nowMs: number): string {
  if (forecast === null) return '-'
  const { exhausted_at: exhausted, end } = forecast
  if (exhausted === null) return `${Math.round(end.middle)} of ${allowed} at the end`
  if (Date.parse(exhausted.middle) <= nowMs) return 'used up'
  return `used up in ${waitOf(exhausted.low, nowMs)} to ${waitOf(exhausted.high, nowMs)}`
}

/** `42s`, `17m`, `5h`, `3d`; a dash for what is over or not known. */
function waitOf(time: string | null, nowMs: number): string {
  const seconds = time === null ? 0 : Math.ceil((Date.parse(time) - nowMs) / 1000)
  if (seconds <= 0) return '-'
  if (seconds < 120) return `${seconds}s`
  if (seconds < 7200) return `${Math.round(seconds / 60)}m`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)}h` : `${Math.round(seconds / 86_400)}d`
}
