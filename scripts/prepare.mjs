// Installs and builds what is missing, for the commands that must work in a fresh clone.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
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
  if (isOlder(`${root}node_modules/.package-lock.json`, [`${root}package-lock.json`])) {
    console.log('installing (ClickHouse comes with it, so this takes half a minute)')
    run('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'])
  }
  run('npm', ['run', '--silent', 'build'])
}

/** The frameworks that the agent is tested with: a package of its own, which only `npm test` needs. */
export function prepareFrameworks() {
  const folder = `${root}test/frameworks`
  const lock = `${folder}/package-lock.json`
  if (isOlder(`${folder}/node_modules/.package-lock.json`, [lock])) {
    console.log('installing the frameworks that the agent is tested with (1 GB with three more versions of Node)')
    run('npm', ['ci', '--ignore-scripts', '--loglevel=error'], { cwd: folder })
  }
  const app = `${folder}/app/next`
  const sources = readdirSync(app, { recursive: true })
    .filter((file) => !file.startsWith('.next'))
    .map((file) => join(app, file))
  if (isOlder(`${app}/.next/BUILD_ID`, [lock, `${folder}/app/shop.cjs`, ...sources])) {
    console.log('building the Next.js application of the tests')
    const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' }
    run(process.execPath, [`${folder}/node_modules/next/dist/bin/next`, 'build', app], {
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  }
}

/** Whether `made` is missing, or older than one of what it is made from. */
function isOlder(made, sources) {
  if (!existsSync(made)) return true
  const { mtimeMs } = statSync(made)
  return sources.some((source) => statSync(source).mtimeMs > mtimeMs)
}
