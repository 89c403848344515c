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
  if (end === 'handled') {
    process.once('SIGTERM', () => process.exit(3))
    return console.log('ready')
  }
  server.close()
  server.closeAllConnections()
})
