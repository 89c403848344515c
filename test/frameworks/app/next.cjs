// Next.js behind a server of one's own, or inside Express (APP_INSIDE), as built by `next build`.
const { createServer } = require('node:http')
const { join } = require('node:path')

module.exports = async (load) => {
  const next = await load('next')
  const app = next({ dev: false, dir: join(__dirname, 'next') })
  await app.prepare()
  const handle = app.getRequestHandler()
  if (process.env.APP_INSIDE === undefined) return createServer((req, res) => handle(req, res))
  const express = await load('express')
  return express().all('/{*rest}', (req, res) => handle(req, res))
}
