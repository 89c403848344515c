// npm run quickstart [-- --seconds N]: from a clone to live dashboards.
import { spawn } from 'node:child_process'
import { prepare, root } from './prepare.mjs'

prepare()
const demo = spawn(process.execPath, [`${root}collector/bin/callsight.js`, 'demo', ...process.argv.slice(2)], {
  stdio: 'inherit',
})
// Ctrl-C reaches the demo by the terminal as well; a signal to this process alone is handed on.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => demo.kill('SIGTERM'))
demo.on('exit', (code) => process.exit(code ?? 1))
