// The application under test, the same API three times: a bookshop with JSON in and out, answers of 0.3 to 1 KB, a little work per
// request. A monitor that has to be put into an application by hand brings a function for each of the three.

const books = Array.from({ length: 200 }, (_, id) => ({
  id,
  title: `The ${id}th book of the shop`,
  author: { name: `Author ${id % 17}`, email: `author${id % 17}@example.com` },
  tags: ['paperback', 'fiction', `shelf-${id % 9}`],
  price: 5 + id * 0.25,
  available: id % 3 !== 0,
}))
const byId = (id) => books[Number(id)]
const related = (book) => [1, 2, 3].map((step) => byId((book.id + step) % books.length))
const page = (from) => books.slice(from % 190, (from % 190) + 5)
const total = (items) => items.reduce((sum, { id, count }) => sum + count * (byId(id)?.price ?? 0), 0)

let served = 0
/** Requests answered so far. */
exports.served = () => served

const api = {
  book(id) {
    served += 1
    const book = byId(id)
    return book && { ...book, related: related(book) }
  },
  list(from) {
    served += 1
    return { from, books: page(from) }
  },
  async order(body) {
    served += 1
    await Promise.resolve()
    return { id: served, total: total(body.items), customer: body.customer, items: body.items }
  },
}

exports.express = (monitor) => {
  const express = require('express')
  const app = express()
  monitor.express?.(app)
  app.use(express.json())
  app.get('/books/:id', (req, res) => {
    const book = api.book(req.params.id)
    if (book === undefined) return res.status(404).json({ error: 'no such book' })
    res.json(book)
  })
  app.get('/books', (req, res) => res.json(api.list(Number(req.query.from))))
  app.post('/customers/:id/orders', async (req, res) => res.status(201).json(await api.order(req.body)))
  return new Promise((resolve) => {
    const server = app.listen(0, '127.0.0.1', () => resolve(server))
  })
}

exports.fastify = async (monitor) => {
  const app = require('fastify')()
  monitor.fastify?.(app)
  // In a plugin, so that it comes after those of the monitor.
  app.register(async (shop) => {
    shop.get('/books/:id', async (request, reply) => {
      const book = api.book(request.params.id)
      return book ?? reply.code(404).send({ error: 'no such book' })
    })
    shop.get('/books', async (request) => api.list(Number(request.query.from)))
    shop.post('/customers/:id/orders', async (request, reply) => {
      reply.code(201)
      return api.order(request.body)
    })
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app.server
}

exports.http = (monitor) => {
  const http = require('node:http')
  const send = (res, status, value) => {
    const body = JSON.stringify(value)
    res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body)
  }
  const handler = (req, res) => {
    const [path, query] = req.url.split('?')
    const [, kind, id, part] = path.split('/')
    if (req.method === 'GET' && kind === 'books') {
      const found = id === undefined ? api.list(Number(new URLSearchParams(query).get('from'))) : api.book(id)
      return found === undefined ? send(res, 404, { error: 'no such book' }) : send(res, 200, found)
    }
    if (req.method !== 'POST' || kind !== 'customers' || part !== 'orders')
      return send(res, 404, { error: 'no such path' })
    const chunks = []
    req.on('data', (chunk) => chunks.push(chunk))
    req.on('end', async () => send(res, 201, await api.order(JSON.parse(Buffer.concat(chunks).toString()))))
  }
  const server = http.createServer(monitor.http?.(handler) ?? handler)
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
}
