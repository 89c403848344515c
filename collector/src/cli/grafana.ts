import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { boardFolder } from '@callsight/dashboards'
import { Command } from 'commander'
import { stringify } from 'yaml'
import type { Provisioning } from '../exchange/grafana/provisioning.ts'
import { answered, ask, type Connection, connected, Refusal } from './ask.ts'

interface Options extends Connection {
  mountedAt: string
}

/**
 * `callsight grafana export DIR`: dashboards, data source, alert rules and contact points of a running collector, ready to
 * be Grafana's folder of provisioning. Files of other names in there stay. Exit code 1 when the collector is not there.
 */
export function grafanaCommand(): Command {
  const grafana = new Command('grafana').description('What a Grafana is provisioned with')
  connected(grafana.command('export'))
    .description('Write dashboards, data source, alert rules and contact points, ready to provision')
    .argument('<dir>', 'made when it is not there; files of ours in it are replaced, others stay')
    .option('--mounted-at <path>', 'where Grafana finds this folder', '/etc/grafana/provisioning')
    .action((folder: string, options: Options) => answered(() => write(folder, options)))
  return grafana
}

async function write(folder: string, options: Options): Promise<void> {
  const { files, environment, notes } = (await ask(options, 'GET', '/api/v1/grafana/provisioning')) as Provisioning
  const boards = readdirSync(boardFolder).filter((name) => name.endsWith('.json'))
  const texts: [path: string, text: string][] = [
    ...boards.map((name): [string, string] => [
      `dashboards/callsight/${name}`,
      readFileSync(join(boardFolder, name), 'utf8'),
    ]),
    ['dashboards/callsight.yaml', yaml(provider(options.mountedAt))],
    ...Object.entries(files).map(([path, content]): [string, string] => [path, yaml(content)]),
  ]
  for (const [path, text] of texts) {
    const file = join(folder, path)
    try {
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
    } catch (error) {
      throw new Refusal(`cannot write ${file}: ${(error as Error).message}`)
    }
    console.log(`wrote ${file}`)
  }
  const width = Math.max(...environment.map(({ name }) => name.length))
  console.log('\nGrafana needs the plugin grafana-clickhouse-datasource, and in its environment:')
  for (const { name, what } of environment) console.log(`  ${name.padEnd(width)}  ${what}`)
  if (notes.length > 0) console.log(`\nNote:\n${notes.map((note) => `  ${note}`).join('\n')}`)
}

function provider(mountedAt: string) {
  const one = {
    name: 'callsight',
    folder: 'Callsight',
    folderUid: 'callsight',
    type: 'file',
    disableDeletion: true,
    allowUiUpdates: false,
    updateIntervalSeconds: 30,
    options: { path: `${mountedAt.replace(/\/+$/, '')}/dashboards/callsight` },
  }
  return { apiVersion: 1, providers: [one] }
}

function yaml(content: unknown): string {
  return stringify(content, { lineWidth: 0, aliasDuplicateObjects: false })
}
