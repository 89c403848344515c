// One server each in the main thread, a worker thread and a forked process. Each says its port.
const { fork } = require('node:child_process')
const http = require('node:http')
const { isMainThread, parentPort, threadId, Worker } = require('node:worker_threads')

const role = isMainThread ? (process.argv[2] ?? 'main') : 'worker'
const server = http.createServer((_, res) => res.end(role))
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address()
  if (role === 'worker') parentPort.postMessage(port)
  else if (role === 'fork') process.send(port)
  else console.log(`main ${port}`)
})
if (role === 'fork') process.on('disconnect', () => server.close(() => {}) && server.closeAllConnections())
if (role === 'worker')
  parentPort.on('message', () => server.close(() => parentPort.close()) && server.closeAllConnections())
if (role === 'main') {
  const worker = new Worker(__filename)
  const child = fork(__filename, ['fork'])
  worker.on('message', (port) => console.log(`worker ${port}`))
  child.on('message', (port) => console.log(`fork ${port}`))
  // Everything ends by itself once it has nothing left to do.
  process.on('message', () => {
    worker.postMessage('end')
    child.disconnect()
    server.close()
    server.closeAllConnections()
    process.disconnect()
  })
  worker.on('exit', (code) => console.log(`worker thread ${threadId} of a worker ended ${code}`))
  child.on('exit', (code) => console.log(`fork ended ${code}`))
}
