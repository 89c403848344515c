// npm run bench -- NAME runs test/bench/NAME.mjs; without a name it says which there are.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '..', '..')
const [name, ...rest] = process.argv.slice(2)
const names = readdirSync(here)
  .filter((file) => file.endsWith('.mjs') && file !== 'run.mjs')
  .map((file) => file.slice(0, -4))

if (!names.includes(name)) {
  console.error(`usage: npm run bench -- ${names.join(' | ')}`)
  process.exit(2)
}
for (const part of ['agent', 'collector']) {
  if (!existsSync(join(root, part, 'dist', 'index.js'))) {
    execFileSync('npx', ['tsc', '-b'], { cwd: root, stdio: 'inherit' })
    break
  }
}
const { status } = spawnSync(process.execPath, [join(here, `${name}.mjs`), ...rest], { cwd: root, stdio: 'inherit' })
process.exit(status ?? 1)
