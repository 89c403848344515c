import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { type Config, defaultConfig } from '../config/config.ts'
import { problemText } from '../config/fault.ts'
import { readConfig } from '../config/read.ts'
import { tokenChecks } from '../doctor/access.ts'
import { type Check, checksText, guarded, statusOf } from '../doctor/check.ts'
import { engineChecks } from '../doctor/engine.ts'
import { diskChecks, nodeChecks, portChecks } from '../doctor/machine.ts'
import { spoolChecks } from '../doctor/spool.ts'
import { limits } from '../limits.ts'
import { type Presence, presence } from '../presence.ts'
import { embeddedFolder, openStore, usualFolder } from '../store/store.ts'
import { storeUrl } from './up.ts'

interface Options {
  config?: string
  data?: string
  clickhouse?: string
  token?: string
  json?: boolean
}

/** `callsight doctor`: exit code 0 when nothing is broken, 1 when something is, 2 for wrong usage. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('look at everything a collector needs: engine, exactly-once, clock, disk, spool, tokens, ports')
    .option('-c, --config <file>', 'callsight.yaml')
    .option('--data <dir>', 'folder of the embedded ClickHouse and of the spool (default: ./callsight-data)')
    .option('--clickhouse <url>', 'ClickHouse server instead, https://user:password@host:8443/callsight')
    .option('--token <token>', 'for a collector that runs: one of scope read or admin (or CALLSIGHT_TOKEN)')
    .option('--json', 'for programs')
    .action(doctor)
}

async function doctor(options: Options): Promise<void> {
  const checks = await examined(options)
  const status = statusOf(checks)
  process.stdout.write(options.json ? `${JSON.stringify({ status, checks }, null, 2)}\n` : checksText(checks))
  process.exitCode = status === 'fail' ? 1 : 0
}

async function examined(options: Options): Promise<Check[]> {
  const { config, check } = configuration(options.config)
  const checks = [check, ...nodeChecks()]
  // With a configuration of its own the collector would not start, so where it would is not known.
  if (config === undefined) return checks
  const url = storeUrl(config, options)
  const data = embeddedFolder(url) ?? options.data ?? usualFolder
  const running = presence(data)
  checks.push(...(await guarded('data folder', () => diskChecks(data))))
  checks.push(...tokenChecks(config))
  checks.push(...(await portChecks({ ...config.listen }, running)))
  const told = running === undefined ? undefined : await asked(running, data, options.token)
  return [...checks, ...(told ?? (await examinedHere(config, url, data)))]
}

function configuration(file: string | undefined): { config: Config | undefined; check: Check } {
  const name = 'configuration'
  if (file === undefined) return { config: defaultConfig, check: { name, status: 'ok', found: 'no file, defaults' } }
  const { config, faults } = readConfig(file, process.env)
  if (config !== undefined) return { config, check: { name, status: 'ok', found: `${file} is fine` } }
  const [first] = faults
  const found = `${file} has ${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}; the first, in line ${first!.line}: ${problemText(first!)}`
  return { config, check: { name, status: 'fail', found, remedy: `"callsight check ${file}" names them all` } }
}

/** Asks the collector that has the folder; undefined when there is none after all. */
async function asked({ pid, listeners }: Presence, data: string, token?: string): Promise<Check[] | undefined> {
  const web = (listeners.web ?? '').replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
  const bearer = token ?? process.env.CALLSIGHT_TOKEN
  const failed = (found: string, remedy: string): Check[] => [{ name: 'collector', status: 'fail', found, remedy }]
  try {
    const response = await fetch(`${web}/api/v1/doctor`, {
      headers: bearer === undefined ? {} : { authorization: `Bearer ${bearer}` },
      signal: AbortSignal.timeout(limits.doctorWaitMs),
    })
    if (response.status === 401) {
      const found = `process ${pid} has ${data} and wants a token to tell how it is`
      return failed(found, 'Give one of scope read or admin with --token or CALLSIGHT_TOKEN')
    }
    if (!response.ok) return failed(`process ${pid} answers ${response.status} at ${web}`, 'Look at its log')
    const { checks } = (await response.json()) as { checks: Check[] }
    return [{ name: 'collector', status: 'ok', found: `process ${pid} runs, ${web}` }, ...checks]
  } catch (error) {
    const reason = (error as { cause?: { code?: string } }).cause?.code
    // Killed, and its number has gone to another process.
    if (reason === 'ECONNREFUSED') return undefined
    return failed(
      `process ${pid} has ${data} and does not answer at ${web}: ${reason ?? (error as Error).message}`,
      'Look at its log',
    )
  }
}

/** Without a collector: opens the store, a passing one where there is none yet. */
async function examinedHere(config: Config, url: string, data: string): Promise<Check[]> {
  const bounds = { bytes: limits.spoolBytes, ageMs: limits.spoolAgeMs }
  const embedded = embeddedFolder(url) !== undefined
  const passing = embedded && !existsSync(data) ? mkdtempSync(join(tmpdir(), 'callsight-doctor-')) : undefined
  try {
    const engine = await guarded('engine', async () => {
      const store = await openStore(passing === undefined ? url : `embedded:${passing}`)
      try {
        return await engineChecks({ store, embedded, accepted: !config.store.exactlyOnce })
      } finally {
        await store.close()
      }
    })
    return [...engine, ...spoolChecks(data, bounds)]
  } finally {
    if (passing !== undefined) rmSync(passing, { recursive: true, force: true })
  }
}
