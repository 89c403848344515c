import { randomBytes } from 'node:crypto'
import { Command, Option } from 'commander'
import { scopes } from '../config/config.ts'
import { digest } from '../token.ts'

/** What its holder does with it. */
function useOf(scope: string, token: string): string {
  if (scope === 'ingest') return `for the agent:\nOTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer ${token}"\n`
  return scope === 'consumer' ? 'for the consumer: give it at /portal of the viewer\n' : ''
}

/** `callsight token create`: a new token, shown once; the configuration keeps its SHA-256 only. */
export function tokenCommand(): Command {
  const create = new Command('create')
    .description('make a token and the line for callsight.yaml')
    .requiredOption('--name <name>', 'what the token is called in logs')
    .addOption(new Option('--scope <scope>', 'what it may do').choices(scopes).makeOptionMandatory())
    .option('--env <env>', 'environment that calls sent with it belong to')
    .option('--consumer <id>', 'whose it is, for the scope consumer')
    .action((options: { name: string; scope: string; env?: string; consumer?: string }) => {
      if ((options.scope === 'consumer') !== (options.consumer !== undefined)) {
        create.error('error: the scope consumer needs --consumer ID, and only that scope has one', { exitCode: 2 })
      }
      const token = `cs_${options.scope}_${randomBytes(24).toString('base64url')}`
      const line = {
        name: options.name,
        scope: options.scope,
        sha256: digest(token),
        ...(options.env === undefined ? {} : { env: options.env }),
        ...(options.consumer === undefined ? {} : { consumer: options.consumer }),
      }
      const yaml = Object.entries(line).map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
      process.stdout.write(
        `token, shown only now: ${token}\n\nfor callsight.yaml:\ntokens:\n  - { ${yaml.join(', ')} }\n\n` +
          useOf(options.scope, token),
      )
    })
  return new Command('token').description('tokens of agents and readers').addCommand(create)
}
