import { randomBytes } from 'node:crypto'
import { Command, Option } from 'commander'
import { digest } from '../token.ts'

/** `callsight token create`: a new token, shown once; the configuration keeps its SHA-256 only. */
export function tokenCommand(): Command {
  const create = new Command('create')
    .description('make a token and the line for callsight.yaml')
    .requiredOption('--name <name>', 'what the token is called in logs')
    .addOption(
      new Option('--scope <scope>', 'what it may do').choices(['ingest', 'read', 'admin']).makeOptionMandatory(),
    )
    .option('--env <env>', 'environment that calls sent with it belong to')
    .action((options: { name: string; scope: string; env?: string }) => {
      const token = `cs_${options.scope}_${randomBytes(24).toString('base64url')}`
      const line = {
        name: options.name,
        scope: options.scope,
        sha256: digest(token),
        ...(options.env === undefined ? {} : { env: options.env }),
      }
      const yaml = Object.entries(line).map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
      process.stdout.write(
        `token, shown only now: ${token}\n\nfor callsight.yaml:\ntokens:\n  - { ${yaml.join(', ')} }\n\n` +
          (options.scope === 'ingest'
            ? `for the agent:\nOTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer ${token}"\n`
            : ''),
      )
    })
  return new Command('token').description('tokens of agents and readers').addCommand(create)
}
