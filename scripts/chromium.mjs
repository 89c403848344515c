// The browser of the browser tests.
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
