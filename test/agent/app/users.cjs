// An Express application that verifies its callers itself, some time after the call has begun.
const { AsyncResource } = require('node:async_hooks')
const { setTimeout: sleep } = require('node:timers/promises')
const express = require('express')
const callsight = process.env.APP_LOADS_AGENT ? require('../../../agent/dist/index.js') : undefined
const { listening, port } = require('./listen.cjs')

const told = {
  quick: (req) => (req.get('x-tenant') ? { id: req.get('x-tenant'), plan: 'gold' } : undefined),
  async: async (req) => req.get('x-tenant'),
  throws: () => {
    throw new Error('on purpose')
  },
}
if (process.env.APP_FUNCTION) {
  callsight.start({ endpoint: process.env.APP_COLLECTOR, traceRatio: 0, consumer: told[process.env.APP_FUNCTION] })
}
// What was made before any call belongs to none: so it is with the connections of a pool.
const pool = new AsyncResource('pool')

const app = express()
app.use(async (req, res, next) => {
  await sleep(5)
  // As Passport does after it has looked the session up.
  if (req.headers['x-login']) req.user = { id: req.headers['x-login'], password: 'never' }
  // As express-oauth2-jwt-bearer does.
  if (req.headers.authorization?.endsWith('.good')) req.auth = { payload: { sub: 'verified-subject' }, token: 'raw' }
  if (req.headers.authorization?.endsWith('.bad')) return res.status(401).send('who?')
  next()
})
app.get('/pool', (req, res) => {
  pool.runInAsyncScope(() => callsight.setConsumer({ id: 'lost' }))
  pool.runInAsyncScope(() => callsight.setConsumer({ id: 'from the pool' }, req))
  res.send('ok')
})
app.get('/whoami', (_, res) => res.send('ok'))
const server = app.listen(port, '127.0.0.1', () => listening(server))
