// The browser of the browser tests: found on the machine, or installed from Debian where that is possible.
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** The path of Chromium: $CALLSIGHT_CHROMIUM, else the first on the PATH, else undefined. */
export function findChromium() {
  if (process.env.CALLSIGHT_CHROMIUM) return process.env.CALLSIGHT_CHROMIUM
  for (const name of names) {
    for (const folder of (process.env.PATH ?? '').split(':')) {
      try {
        const path = join(folder, name)
        accessSync(path, constants.X_OK)
        return path
      } catch {}
    }
  }
  return undefined
}

export function installChromium() {
  const root = process.getuid?.() === 0
  if (!root || spawnSync('apt-get', ['--version']).status !== 0) {
    console.log('no Chromium here: the browser tests will be skipped. On Debian: apt-get install chromium')
    return
  }
  console.log('installing Chromium for the browser tests')
  const options = { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }
  spawnSync('apt-get', ['update', '-qq'], options)
  const { status } = spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], options)
  if (status !== 0) console.log('Chromium could not be installed: the browser tests will be skipped')
}

if (import.meta.url === `file://${process.argv[1]}` && findChromium() === undefined) installChromium()
