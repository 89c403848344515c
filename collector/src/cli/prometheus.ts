import { writeFileSync } from 'node:fs'
import { Command } from 'commander'
import { stringify } from 'yaml'
import { answered, ask, type Connection, connected } from './ask.ts'

/**
 * `callsight prometheus export`: objectives and alert rules of a running collector as a rule file of Prometheus, which
 * scrapes the collector's /metrics. Exit code 1 when the collector is not there.
 */
export function prometheusCommand(): Command {
  const prometheus = new Command('prometheus').description('Rules for a Prometheus that scrapes /metrics')
  connected(prometheus.command('export'))
    .description('Print objectives (with the names that Sloth gives its series) and alert rules as a rule file')
    .argument('[file]', 'write it there instead of to standard output')
    .action((file: string | undefined, options: Connection) => answered(() => write(file, options)))
  return prometheus
}

async function write(file: string | undefined, options: Connection): Promise<void> {
  const rules = await ask(options, 'GET', '/api/v1/prometheus/rules')
  const text = stringify(rules, { lineWidth: 0, aliasDuplicateObjects: false })
  if (file === undefined) process.stdout.write(text)
  else writeFileSync(file, text)
}
