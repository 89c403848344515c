import fastify from 'fastify'

const app = fastify()
app.get('/items', async () => [1, 2, 3])
app.get('/items/:id', async (request) => ({ id: request.params.id }))
app.post('/items', async (request, reply) => reply.code(201).send(request.body))
app.register(async (users) => users.get('/:user/orders/:order', async (request) => request.params), {
  prefix: '/users',
})
app.get('/fail', async () => {
  throw new Error('as asked')
})

console.log(`listening on ${await app.listen({ port: 0, host: '127.0.0.1' })}`)
process.on('SIGTERM', () => app.close())
