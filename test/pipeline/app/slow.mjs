import http from 'node:http'

const server = http.createServer((request, response) => {
  if (request.url === '/fail') response.statusCode = 500
  setTimeout(() => response.end('done'), request.url === '/slow' ? 120 : 0)
})
server.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}`))
process.on('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
})
