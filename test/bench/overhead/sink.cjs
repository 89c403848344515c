// Takes whatever is sent and counts the bytes; a process of its own, so that its work is nobody's overhead.
const http = require('node:http')

let bytes = 0
let requests = 0
const server = http.createServer((req, res) => {
  requests += 1
  req.on('data', (chunk) => {
    bytes += chunk.length
  })
  req.on('end', () => res.end())
})
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
process.on('message', () => process.send({ bytes, requests }))
process.on('disconnect', () => process.exit())
