// The application under test: Express 5, JSON in and out, a little work per request. MONITOR chooses what watches it.
// Talks with its parent over IPC: 'cpu' is answered with the CPU time of this process and the requests it has served.
const monitor = process.env.MONITOR

if (monitor === 'opentelemetry') require('./opentelemetry.cjs')

const express = require('express')
const app = express()
if (monitor === 'express-prom-bundle') {
  // As its documentation recommends for an API: method, path and status as labels.
  app.use(require('express-prom-bundle')({ includeMethod: true, includePath: true, includeStatusCode: true }))
}
let served = 0
app.use(express.json())
const books = new Map()
for (let i = 0; i < 200; i++) books.set(String(i), { id: i, title: `Book ${i}`, tags: ['a', 'b', 'c'], price: i * 1.5 })

app.get('/books/:id', (req, res) => {
  served += 1
  const book = books.get(req.params.id)
  if (book === undefined) return res.status(404).json({ error: 'no such book' })
  res.json({ ...book, related: [1, 2, 3].map((n) => books.get(String((book.id + n) % 200))) })
})
app.post('/orders', async (req, res) => {
  served += 1
  await Promise.resolve()
  const total = req.body.items.reduce((sum, item) => sum + item.count * (books.get(String(item.id))?.price ?? 0), 0)
  res.status(201).json({ id: served, total, items: req.body.items })
})

const server = app.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
process.on('message', (message) => {
  if (message !== 'cpu') return
  const { user, system } = process.cpuUsage()
  process.send({ micros: user + system, served, rss: process.memoryUsage().rss })
})
process.on('disconnect', () => process.exit())
