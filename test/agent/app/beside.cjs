// An ordinary application for the company of other monitors: nested routes, an error, a body, calls of its own.
// APP_MONITOR is a monitor that the application loads first, as their documentation asks for.
if (process.env.APP_MONITOR) require(process.env.APP_MONITOR)
if (process.env.APP_EMIT) require('./emit.cjs')

const http = require('node:http')
const express = require('express')
const { listening, port } = require('./listen.cjs')

const neighbour = process.env.APP_NEIGHBOUR
const get = (url) =>
  new Promise((resolve, reject) => {
    const request = http.request(url, (res) => {
      let text = ''
      res.setEncoding('utf8').on('data', (part) => {
        text += part
      })
      res.on('end', () => resolve(text))
    })
    request.on('error', reject).end()
  })

const app = express()
app.use(express.json())
const orders = express.Router({ mergeParams: true })
orders.get('/:order', (req, res) => res.json(req.params))
orders.post('/', (req, res) => res.status(201).json({ took: req.body }))
app.use('/shops/:shop/orders', orders)
app.get('/fail', () => {
  throw new Error('on purpose')
})
app.get('/neighbours', async (_, res) => {
  const byHttp = await get(`${neighbour}/by-http`)
  const byFetch = await (await fetch(`${neighbour}/by-fetch`)).text()
  res.json({ byHttp, byFetch })
})
app.use((error, _req, res, _next) => res.status(500).json({ error: error.message }))

const server = app.listen(port, '127.0.0.1', () => listening(server))
