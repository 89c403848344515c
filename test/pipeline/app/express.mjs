import express from 'express'

const app = express()
app.use(express.json())
app.get('/items', (_request, response) => response.json([1, 2, 3]))
app.get('/items/:id', (request, response) => response.json({ id: request.params.id }))
app.post('/items', (request, response) => response.status(201).json(request.body))
const orders = express.Router({ mergeParams: true })
orders.get('/:order', (request, response) => response.json(request.params))
app.use('/users/:user/orders', orders)
app.get('/fail', () => {
  throw new Error('as asked')
})
app.use((_error, _request, response, _next) => response.status(500).end())

const server = app.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}`))
process.on('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
})
