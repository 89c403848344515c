// NestJS on Express or on Fastify (APP_ADAPTER), its decorators called as the functions they are.
require('reflect-metadata')
const { Readable } = require('node:stream')
const shop = require('./shop.cjs')

module.exports = async (load) => {
  const nest = await load('@nestjs/common')
  const { NestFactory } = await load('@nestjs/core')
  const fastify = process.env.APP_ADAPTER === 'fastify'

  class Users {
    list() {
      return shop.list()
    }
    make(body) {
      if (!shop.valid(body)) throw new nest.BadRequestException('name')
      return shop.made(body)
    }
    one(id) {
      const user = shop.find(id)
      if (user === undefined) throw new nest.NotFoundException('no such user')
      return user
    }
    change() {}
    order(id, oid) {
      return shop.order(id, oid)
    }
  }
  class Shop {
    home() {
      return 'home'
    }
    old() {}
    fail() {
      shop.fail()
    }
    stream() {
      return new nest.StreamableFile(Readable.from(shop.pieces()))
    }
    byFetch() {
      return shop.byFetch()
    }
    byHttp() {
      return shop.byHttp()
    }
    thing(tenant, thing) {
      return shop.thing(tenant, thing)
    }
  }
  const on = (type, name, decorators, parameters = []) => {
    const { prototype } = type
    for (const decorate of decorators) decorate(prototype, name, Object.getOwnPropertyDescriptor(prototype, name))
    parameters.forEach((decorate, i) => {
      decorate(prototype, name, i)
    })
  }
  const { Get, Post, Put, Param, Body, HttpCode, Redirect } = nest
  on(Users, 'list', [Get()])
  on(Users, 'make', [Post()], [Body()])
  on(Users, 'one', [Get(':id')], [Param('id')])
  on(Users, 'change', [Put(':id'), HttpCode(204)])
  on(Users, 'order', [Get(':id/orders/:oid')], [Param('id'), Param('oid')])
  nest.Controller('users')(Users)
  on(Shop, 'home', [Get()])
  on(Shop, 'old', [Get('old'), Redirect('/users', 302)])
  on(Shop, 'fail', [Get('fail')])
  on(Shop, 'stream', [Get('stream')])
  on(Shop, 'byFetch', [Get('proxy/fetch')])
  on(Shop, 'byHttp', [Get('proxy/http')])
  on(Shop, 'thing', [Get('tenants/:tenant/things/:thing')], [Param('tenant'), Param('thing')])
  nest.Controller()(Shop)
  class Application {}
  nest.Module({ controllers: [Users, Shop] })(Application)

  const adapter = fastify
    ? new (await load('@nestjs/platform-fastify')).FastifyAdapter()
    : new (await load('@nestjs/platform-express')).ExpressAdapter()
  const app = await NestFactory.create(Application, adapter, { logger: false })
  app.use('/private', (_, res) => {
    res.statusCode = 401
    res.end('who?')
  })
  await app.listen(0, '127.0.0.1')
  return app.getHttpServer()
}
