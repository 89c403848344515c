import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { withoutSecrets } from '../log.ts'
import { alertCommand } from './alert.ts'
import { backupCommand } from './backup.ts'
import { channelCommand } from './channel.ts'
import { checkCommand } from './check.ts'
import { demoCommand } from './demo.ts'
import { doctorCommand } from './doctor.ts'
import { exportCommand } from './export.ts'
import { forgetCommand } from './forget.ts'
import { grafanaCommand } from './grafana.ts'
import { importCommand } from './import.ts'
import { objectiveCommand } from './objective.ts'
import { prometheusCommand } from './prometheus.ts'
import { redactCommand } from './redact.ts'
import { restoreCommand } from './restore.ts'
import { slaCommand } from './sla.ts'
import { tokenCommand } from './token.ts'
import { upCommand } from './up.ts'
import { upstreamsCommand } from './upstreams.ts'
import { usageCommand } from './usage.ts'

/** Exit codes: 0 fine, 1 a finding or a refused configuration, 2 wrong usage. */
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

const program = new Command('callsight')
  .description('API monitoring: who calls, how well each caller is served, and when that breaks')
  .version(version)
  // What follows a command is the command's: `callsight sla --version 2`.
  .enablePositionalOptions()
const commands = [
  upCommand,
  demoCommand,
  checkCommand,
  doctorCommand,
  alertCommand,
  slaCommand,
  upstreamsCommand,
  channelCommand,
  usageCommand,
  objectiveCommand,
  prometheusCommand,
  grafanaCommand,
  redactCommand,
  tokenCommand,
  forgetCommand,
  exportCommand,
  importCommand,
  backupCommand,
  restoreCommand,
]
for (const make of commands) program.addCommand(make())
everyCommand(program, (command) => command.exitOverride().showHelpAfterError('(--help tells the usage)'))

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else {
    process.stderr.write(`callsight: ${withoutSecrets(error instanceof Error ? error.message : String(error))}\n`)
    process.exitCode = 1
  }
}

function everyCommand(command: Command, act: (command: Command) => unknown): void {
  act(command)
  for (const inner of command.commands) everyCommand(inner, act)
}
