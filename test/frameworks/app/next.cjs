// Next.js behind a server of one's own, as built by `next build`.
const { createServer } = require('node:http')
const { join } = require('node:path')

module.exports = async (load) => {
  const next = await load('next')
  const app = next({ dev: false, dir: join(__dirname, 'next') })
  await app.prepare()
  const handle = app.getRequestHandler()
  return createServer((req, res) => handle(req, res))
}
