// The other monitors that the agent is compared with and lives beside: test/monitors, installed when first needed.
import { existsSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { run } from './prepare.mjs'

const folder = fileURLToPath(new URL('../test/monitors/', import.meta.url))

/** Installs them (and no script of theirs runs). Fast when they are there. */
export function prepareMonitors() {
  const installed = `${folder}node_modules/.package-lock.json`
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(`${folder}package-lock.json`).mtimeMs) return
  console.log('installing the monitors to compare with (test/monitors, 660 MB, about a minute)')
  run('npm', ['ci', '--ignore-scripts', '--no-fund', '--no-audit', '--loglevel=error'], { cwd: folder })
}

if (import.meta.url === `file://${process.argv[1]}`) prepareMonitors()
