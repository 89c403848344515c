// What tests need that does not come from npm: installed from Debian where that is possible, skipped where it is not.
import { spawnSync } from 'node:child_process'
import { findChromium } from './chromium.mjs'

const packages = [
  { name: 'chromium', tests: 'the browser tests', there: () => findChromium() !== undefined },
  { name: 'prometheus', tests: 'the tests of rules for Prometheus', there: () => runs('promtool') },
  {
    name: 'prometheus-alertmanager',
    tests: 'the tests with an Alertmanager',
    there: () => runs('prometheus-alertmanager'),
  },
]

function runs(program) {
  return spawnSync(program, ['--version']).status === 0
}

/** Installs what is missing, and says what is skipped without it. */
export function installFromDebian() {
  // Who names a browser wants that one or none.
  const missing = packages.filter(
    ({ name, there }) => !(name === 'chromium' && process.env.CALLSIGHT_CHROMIUM) && !there(),
  )
  if (missing.length === 0) return
  const names = missing.map(({ name }) => name)
  if (process.getuid?.() === 0 && runs('apt-get')) {
    console.log(`installing ${names.join(', ')} for the tests`)
    const options = {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }
    spawnSync('apt-get', ['update', '-qq'], options)
    // One by one: what one of them lacks must not keep the others away.
    for (const name of names) spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', name], options)
  }
  for (const { name, tests, there } of missing) {
    if (!there()) console.log(`no ${name} here: ${tests} will be skipped. On Debian: apt-get install ${name}`)
  }
}

if (import.meta.url === `file://${process.argv[1]}`) installFromDebian()
