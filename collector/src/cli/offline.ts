import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import pino from 'pino'
import { defaultConfig } from '../config/config.ts'
import { faultText } from '../config/fault.ts'
import { readConfig } from '../config/read.ts'
import { limits } from '../limits.ts'
import { emptySpool } from '../spool/empty.ts'
import { embeddedFolder, openStore, type Store, usualFolder } from '../store/store.ts'
import { Refusal } from './ask.ts'
import { storeUrl } from './up.ts'

/** Where a store is that no collector has open. */
export interface Place {
  config?: string
  data?: string
  clickhouse?: string
}

/** Adds the flags by which a command finds a store. */
export function placed(command: Command): Command {
  return command
    .option('-c, --config <file>', 'callsight.yaml, for its store')
    .option('--data <dir>', `folder of the embedded ClickHouse (default: ${usualFolder})`)
    .option('--clickhouse <url>', 'ClickHouse server instead, https://user:password@host:8443/callsight')
}

/** The store's URL, as `up` finds it. @throws Refusal with the faults of a configuration that cannot be read */
function urlOf(place: Place): string {
  if (place.config === undefined) return storeUrl(defaultConfig, place)
  const { config, faults } = readConfig(place.config, process.env)
  if (config === undefined) throw new Refusal(faults.map(faultText).join('\n'))
  return storeUrl(config, place)
}

/**
 * Opens a store for one piece of work, while no collector has it open.
 *
 * @param fresh the folder of an embedded store may be new; else it must be there
 */
export async function withStore<T>(place: Place, fresh: boolean, work: (store: Store) => Promise<T>): Promise<T> {
  const url = urlOf(place)
  const folder = embeddedFolder(url)
  if (!fresh && folder !== undefined && !existsSync(folder)) {
    throw new Refusal(`there is no store in ${resolve(folder)}: name its folder with --data DIR`)
  }
  let store: Store
  try {
    store = await openStore(url)
  } catch (error) {
    throw new Refusal(error instanceof Error ? error.message : String(error))
  }
  try {
    // What the last run acknowledged and did not insert belongs to the store, too.
    const silent = pino({ level: 'silent' })
    const left = folder === undefined ? 0 : await emptySpool(folder, store, silent, { waitMs: limits.settleMs })
    if (left > 0) throw new Error(`${left} segments still wait for ClickHouse after ${limits.settleMs / 1000} s`)
    return await work(store)
  } catch (error) {
    throw new Refusal(error instanceof Error ? error.message : String(error))
  } finally {
    await store.close()
  }
}
