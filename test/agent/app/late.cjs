// A server that has been at work for a while when the agent is started, and goes on when it is stopped.
const http = require('node:http')
const http2 = require('node:http2')
const callsight = require('@callsight/agent')
const { listening, port } = require('./listen.cjs')

const handle = async (req, res) => {
  if (req.url === '/start') callsight.start()
  if (req.url === '/stop') await callsight.stop()
  res.end(req.url)
}
const server = http.createServer(handle)
server.on('upgrade', (_, socket) => socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n'))
const second = http2.createServer(handle)
second.listen(0, '127.0.0.1', () => {
  console.log(`second ${second.address().port}`)
  server.listen(port, '127.0.0.1', () => listening(server))
})
