// The browser of the browser tests: found on the machine, or installed from Debian where that is possible.
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** The browser of CALLSIGHT_CHROMIUM, or the first Chromium on PATH; undefined when there is none. */
export function findChromium() {
  const named = process.env.CALLSIGHT_CHROMIUM
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  const places = named ? [named] : names.flatMap((name) => folders.map((folder) => join(folder, name)))
  return places.find(isExecutable)
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
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
