// Takes whatever the monitors send; a process of its own, so that its work is nobody's overhead. Each monitor gets a port of its own
// (message `open`), so that `count` can tell what came from it.
const http = require('node:http')
const { takeAll } = require('../../monitors/intakes.cjs')

const counts = new Map()
process.on('message', ({ open, count }) => {
  if (count !== undefined) return process.send(counts.get(count))
  const seen = { bytes: 0 }
  const server = http.createServer(
    takeAll((body) => {
      seen.bytes += body.length
    }),
  )
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address()
    counts.set(port, seen)
    process.send({ port, open })
  })
})
process.on('disconnect', () => process.exit())
