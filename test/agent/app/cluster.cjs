// Two processes behind one port, each with an agent of its own.
const cluster = require('node:cluster')
const http = require('node:http')
const { listening, port } = require('./listen.cjs')

if (cluster.isPrimary) {
  let ready = 0
  for (let i = 0; i < 2; i++) cluster.fork()
  cluster.on('listening', (_, address) => {
    ready += 1
    if (ready === 2) listening({ address: () => address })
  })
  // A worker dies by the signal; the primary passes it on and follows.
  process.on('SIGTERM', () => {
    for (const worker of Object.values(cluster.workers)) worker.process.kill('SIGTERM')
    let gone = 0
    cluster.on('exit', () => {
      gone += 1
      if (gone === 2) process.exit(0)
    })
  })
} else {
  const server = http.createServer((_, res) => res.end(String(process.pid)))
  server.listen(port, '127.0.0.1')
}
