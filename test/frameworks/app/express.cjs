// Express 4 and 5, and what is built on it: nested routers, a parameterised mount, an application inside another.
const { Readable } = require('node:stream')
const shop = require('./shop.cjs')

module.exports = async (load) => {
  const express = await load('express')
  const app = express()
  app.use(express.json())
  app.use('/private', (_, res) => res.status(401).json({ error: 'who?' }))
  app.get('/', (_, res) => res.send('home'))
  app.get('/old', (_, res) => res.redirect('/users'))
  app.get('/fail', shop.fail)
  app.get('/stream', (_, res) => Readable.from(shop.pieces()).pipe(res))
  app.get('/proxy/fetch', (_, res, next) => shop.byFetch().then((found) => res.json(found), next))
  app.get('/proxy/http', (_, res, next) => shop.byHttp().then((found) => res.json(found), next))

  const users = express.Router()
  users.get('/', (_, res) => res.json(shop.list()))
  users.post('/', (req, res) => {
    if (!shop.valid(req.body)) return res.status(400).json({ error: 'name' })
    res.status(201).json(shop.made(req.body))
  })
  users.get('/:id', (req, res) => {
    const user = shop.find(req.params.id)
    res.status(user === undefined ? 404 : 200).json(user ?? { error: 'no such user' })
  })
  users.put('/:id', (_, res) => res.status(204).end())
  const orders = express.Router({ mergeParams: true })
  orders.get('/:oid', (req, res) => res.json(shop.order(req.params.id, req.params.oid)))
  users.use('/:id/orders', orders)
  app.use('/users', users)

  const tenant = express()
  tenant.get('/things/:thing', (req, res) => res.json(shop.thing('acme', req.params.thing)))
  app.use('/tenants/:tenant', tenant)

  // Only Express: the same router in two places, a list of paths, a regular expression, a parameter in the middle.
  const shared = express.Router()
  shared.get('/status', (_, res) => res.send('fine'))
  app.use('/a', shared)
  app.use('/b', shared)
  app.get(['/first', '/second'], (_, res) => res.send('either'))
  app.get(/^\/file-.+$/, (_, res) => res.send('pattern'))
  const items = express.Router({ mergeParams: true })
  items.get('/:item/fail', shop.fail)
  orders.use('/:oid/items', items)
  app.use((_error, _req, res, _next) => res.status(500).send('failed'))
  return app
}
