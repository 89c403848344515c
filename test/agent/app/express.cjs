// The same routes for any Express: EXPRESS says from which package it is taken.
const { createRequire } = require('node:module')
const { listening, port } = require('./listen.cjs')
const owner = process.env.EXPRESS_OF ? require.resolve(`${process.env.EXPRESS_OF}/package.json`) : __filename
const express = createRequire(owner)('express')

const app = express()
app.use(express.json())
app.use('/private', (_, res) => res.status(401).send('who?'))
app.get('/', (_, res) => res.send('home'))
app.get('/users/:id', (req, res) => res.json({ id: req.params.id }))
app.post('/users', (req, res) => res.status(201).json(req.body))
app.get(['/old', '/new'], (_, res) => res.send('either'))
app.get(/^\/file-.+$/, (_, res) => res.send('pattern'))

const items = express.Router({ mergeParams: true })
items.get('/:item', (_, res) => res.send('item'))
const orders = express.Router({ mergeParams: true })
orders.get('/', (_, res) => res.send('orders'))
orders.get('/:oid', (_, res) => res.send('order'))
orders.get('/:oid/fail', () => {
  throw new Error('on purpose')
})
orders.use('/:oid/items', items)
app.use('/users/:id/orders', orders)

const shared = express.Router()
shared.get('/status', (_, res) => res.send('fine'))
app.use('/a', shared)
app.use('/b', shared)

const inner = express()
inner.get('/things/:thing', (_, res) => res.send('thing'))
app.use('/v1/:tenant', inner)
app.use((_error, _req, res, _next) => res.status(500).send('failed'))

const server = app.listen(port, '127.0.0.1', () => listening(server))
