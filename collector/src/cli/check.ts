import { Command } from 'commander'
import type { Config } from '../config/config.ts'
import { faultText } from '../config/fault.ts'
import { readConfig } from '../config/read.ts'
import { privateWarnings } from '../notify/warn.ts'

/** `callsight check FILE`: exit code 0 when the file is fine, 1 with every fault of it, 2 for wrong usage. */
export function checkCommand(): Command {
  return new Command('check')
    .description('Check a configuration file and name every fault with its place')
    .argument('<file>', 'the configuration, callsight.yaml')
    .action((file: string) => {
      const { config, faults } = readConfig(file, process.env)
      for (const fault of faults) console.error(faultText(fault))
      if (config !== undefined) {
        console.log(`${file} is fine: ${summary(config)}`)
        for (const warning of privateWarnings(config)) console.error(`${file}: warning: ${warning}`)
      }
      process.exitCode = config === undefined ? 1 : 0
    })
}

function summary({ tokens, consumers, plans, objectives, alerts, channels }: Config): string {
  const quotas = [...plans, ...consumers].reduce((sum, owner) => sum + owner.quotas.length, 0)
  return [
    counted(tokens.length, 'token'),
    counted(consumers.length, 'consumer'),
    counted(plans.length, 'plan'),
    counted(quotas, 'quota'),
    counted(objectives.length, 'objective'),
    counted(alerts.length, 'alert'),
    counted(channels.length, 'channel'),
  ].join(', ')
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
