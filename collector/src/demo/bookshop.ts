/*
 * A bookshop's API, as anyone might have written it with Express 5. It knows nothing of Callsight: the demo loads the
 * agent into it from outside. `node bookshop.js` listens on $PORT and prints the address.
 */
import type { AddressInfo } from 'node:net'
import express, { type ErrorRequestHandler } from 'express'

const books = [
  { id: 1, title: 'The Left Hand of Darkness', author: 'Ursula K. Le Guin', price: 12.5 },
  { id: 2, title: 'Kindred', author: 'Octavia E. Butler', price: 11 },
  { id: 3, title: 'Solaris', author: 'Stanisław Lem', price: 9.9 },
  { id: 4, title: 'Roadside Picnic', author: 'Arkady and Boris Strugatsky', price: 10.4 },
  { id: 5, title: 'The Three-Body Problem', author: 'Liu Cixin', price: 14 },
]
const orders: { id: number; book: number; copies: number }[] = []

const app = express()
app.use(express.json())

const shop = express.Router()
shop.get('/books', (_request, response) => {
  response.json(books)
})
shop.get('/books/:id', (request, response) => {
  const book = books.find(({ id }) => id === Number(request.params.id))
  if (book === undefined) response.status(404).json({ error: 'no such book' })
  else response.json(book)
})
shop.post('/orders', async (request, response) => {
  const { book, copies, payBy } = request.body as { book: number; copies: number; payBy?: string }
  await pause(5 + Math.random() * 20)
  if (payBy === 'telegraph') throw new Error('the telegraph office does not answer')
  const order = { id: orders.length + 1, book, copies }
  orders.push(order)
  response.status(201).json(order)
})
shop.get('/orders/:id', (request, response) => {
  const order = orders[Number(request.params.id) - 1]
  if (order === undefined) response.status(404).json({ error: 'no such order' })
  else response.json(order)
})
shop.get('/reports/sales', async (_request, response) => {
  // Adds up everything, every time: the slow operation of this shop.
  await pause(350 + Math.random() * 400)
  response.json({ orders: orders.length, copies: orders.reduce((sum, { copies }) => sum + copies, 0) })
})
app.use('/api', shop)

const failed: ErrorRequestHandler = (error, _request, response, _next) => {
  response.status(500).json({ error: error instanceof Error ? error.message : 'failed' })
}
app.use(failed)

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  process.stdout.write(`bookshop listening on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)
})
// It ends when whoever started it hangs up.
process.stdin.resume().on('end', () => process.exit())
process.on('SIGTERM', () => {
  server.close(() => process.exit())
  server.closeIdleConnections()
})

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
