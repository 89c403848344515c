import { unwatchFile, watchFile } from 'node:fs'
import { Command, InvalidArgumentError } from 'commander'
import type { Logger } from 'pino'
import { parseAddress } from '../config/address.ts'
import type { Address, Config } from '../config/config.ts'
import { defaultConfig } from '../config/config.ts'
import { faultText, Unreadable } from '../config/fault.ts'
import { readConfig } from '../config/read.ts'
import { limits } from '../limits.ts'
import { openLog } from '../log.ts'
import { type Collector, startCollector } from '../main.ts'
import { embeddedFolder } from '../store/store.ts'

interface Options {
  config?: string
  data?: string
  otlp?: Address
  otlpGrpc?: Address
  web?: Address
  clickhouse?: string
  logLevel: string
}

/** `callsight up`: runs the collector until it is told to stop. */
export function upCommand(): Command {
  return new Command('up')
    .description('start the collector: OTLP in, ClickHouse behind, viewer and API on the web port')
    .option('-c, --config <file>', 'callsight.yaml')
    .option('--data <dir>', 'folder of the embedded ClickHouse and of the spool (default: ./callsight-data)')
    .option('--clickhouse <url>', 'ClickHouse server instead, https://user:password@host:8443/callsight')
    .option('--otlp <host:port>', 'OTLP listener (default: 127.0.0.1:4318)', address)
    .option('--otlp-grpc <host:port>', 'OTLP/gRPC listener (default: 127.0.0.1:4317)', address)
    .option('--web <host:port>', 'viewer and API (default: 127.0.0.1:4319)', address)
    .option('--log-level <level>', 'trace, debug, info, warn, error or silent', 'info')
    .action(up)
}

async function up(options: Options): Promise<void> {
  const log = openLog(options.logLevel)
  const config = configured(options)
  if (config === undefined) {
    process.exitCode = 1
    return
  }
  const collector = await startCollector(config, log, options.data)
  const told = new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGINT', resolve)
    process.once('SIGTERM', resolve)
  })
  // Whoever reads this line may send a signal at once.
  process.stdout.write(`ready otlp=${collector.otlp} web=${collector.web} grpc=${collector.grpc}\n`)
  const unfollow = options.config === undefined ? undefined : follow(options.config, config, options, collector, log)
  log.info({ signal: await told }, 'stopping')
  const hurry = setTimeout(() => {
    log.error('the stop took too long; what was acknowledged is in the spool, and the rest will be sent again')
    process.exit(1)
  }, limits.stopMs)
  unfollow?.()
  await collector.stop()
  clearTimeout(hurry)
  log.info('stopped')
}

/** The file with the flags over it, or undefined after every fault has been printed. */
function configured(options: Options): Config | undefined {
  let config = defaultConfig
  if (options.config !== undefined) {
    const read = readConfig(options.config, process.env)
    if (read.config === undefined) {
      for (const fault of read.faults) process.stderr.write(`${faultText(fault)}\n`)
      process.stderr.write(
        `${options.config}: ${read.faults.length} ${read.faults.length === 1 ? 'fault' : 'faults'}, nothing was started\n`,
      )
      return undefined
    }
    config = read.config
  }
  const url = storeUrl(config, options)
  return {
    ...config,
    store: { ...config.store, url },
    listen: {
      otlp: options.otlp ?? config.listen.otlp,
      grpc: options.otlpGrpc ?? config.listen.grpc,
      web: options.web ?? config.listen.web,
    },
  }
}

/** Where the store is: the flags win over the file, and a server over --data, which then is the spool's folder only. */
export function storeUrl({ store }: Config, { clickhouse, data }: Pick<Options, 'clickhouse' | 'data'>): string {
  const server = clickhouse ?? (embeddedFolder(store.url) === undefined ? store.url : undefined)
  return server ?? (data === undefined ? store.url : `embedded:${data}`)
}

/**
 * Takes the file again when it or an OpenSLO file of it changes; a faulty one is refused and the old one stays.
 *
 * @returns ends it
 */
function follow(file: string, first: Config, options: Options, collector: Collector, log: Logger): () => void {
  let watched: readonly string[] = []
  const watch = (files: readonly string[]) => {
    for (const old of watched) if (!files.includes(old)) unwatchFile(old, changed)
    for (const added of files) {
      if (!watched.includes(added)) watchFile(added, { interval: limits.configPollMs, persistent: false }, changed)
    }
    watched = files
  }
  const changed = () => {
    const read = readConfig(file, process.env)
    if (read.config === undefined) {
      log.error({ faults: read.faults.map(faultText) }, `${file} is faulty; the old configuration stays`)
      return
    }
    try {
      collector.configure(read.config)
      watch([file, ...read.config.openslo])
      log.info(
        `${file} was read again${(options.data ?? options.clickhouse) ? '' : '; a changed store or listener needs a restart'}`,
      )
    } catch (error) {
      log.error({ error }, `${file} is refused; the old configuration stays`)
    }
  }
  watch([file, ...first.openslo])
  return () => watch([])
}

function address(text: string): Address {
  try {
    return parseAddress(text)
  } catch (error) {
    if (error instanceof Unreadable) throw new InvalidArgumentError(`${error.message}; ${error.remedy}`)
    throw error
  }
}
