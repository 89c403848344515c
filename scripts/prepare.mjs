// Installs and builds what is missing, for the commands that must work in a fresh clone.
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** Runs a program with its output shown; ends this process with its exit code when it fails. */
export function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options })
  if (error) console.error(`cannot run ${command}: ${error.message}`)
  if (status !== 0) process.exit(status ?? 1)
}

export function prepare() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 6)) {
    console.error(`Callsight needs Node 20.6 or newer, this is ${process.versions.node}.`)
    process.exit(1)
  }
  const installed = `${root}node_modules/.package-lock.json`
  if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(`${root}package-lock.json`).mtimeMs) {
    console.log('installing (ClickHouse comes with it, so this takes half a minute)')
    run('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'])
  }
  run('npm', ['run', '--silent', 'build'])
}
