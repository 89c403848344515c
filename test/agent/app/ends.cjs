// Serves itself some calls and then ends in the way APP_END says.
const http = require('node:http')

const server = http.createServer((_, res) => res.end('ok'))
server.listen(0, '127.0.0.1', async () => {
  const url = `http://127.0.0.1:${server.address().port}/last/words`
  for (let i = 0; i < 5; i++) await (await fetch(url, { headers: { connection: 'close' } })).text()
  const end = process.env.APP_END
  if (end === 'exit') process.exit(7)
  if (end === 'throw') throw new Error('on purpose')
  if (end === 'signal') return console.log('ready')
  if (end?.startsWith('signal-exit')) {
    signalExit(end)
    return console.log('ready')
  }
  if (end === 'handled') {
    process.once('SIGTERM', () => process.exit(3))
    return console.log('ready')
  }
  server.close()
  server.closeAllConnections()
})

/** What the package signal-exit does, version 3 or 4: it dies where nobody listens but its own copies. */
function signalExit(end) {
  const emitter = { count: 1 }
  if (end === 'signal-exit 3') process.__signal_exit_emitter__ = emitter
  else globalThis[Symbol.for('signal-exit emitter')] = emitter
  const listen = () => {
    if (process.listeners('SIGINT').length !== emitter.count) return
    process.removeListener('SIGINT', listen)
    console.log('cleaned up')
    process.kill(process.pid, 'SIGINT')
  }
  process.on('SIGINT', listen)
}
