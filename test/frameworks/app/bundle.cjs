// What a bundler starts from: nothing in it is looked up when it runs.
const { listening } = require('./listen.cjs')

const shops = { express: require('./express.cjs'), fastify: require('./fastify.cjs'), koa: require('./koa.cjs') }
const packages = {
  express: () => require('express'),
  fastify: () => require('fastify'),
  koa: () => require('koa'),
  '@koa/router': () => require('@koa/router'),
  'koa-mount': () => require('koa-mount'),
}
shops[process.env.APP](async (name) => packages[name]()).then(listening)
