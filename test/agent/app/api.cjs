// Uses the agent's own functions, in an application that is otherwise plain.
const http = require('node:http')
const { setTimeout: sleep } = require('node:timers/promises')
const callsight = require('../../../agent/dist/index.js')
const { listening, port } = require('./listen.cjs')

const start = () => callsight.start(JSON.parse(process.env.APP_STARTS))
if (process.env.APP_STARTS) start()

const server = http.createServer(async (req, res) => {
  if (req.url === '/flush') return res.end(String(await callsight.flush()))
  if (req.url === '/stop') {
    await callsight.stop()
    return res.end('stopped')
  }
  if (req.url === '/start') return res.end(start())
  if (req.url === '/lazy') {
    callsight.setConsumer({
      get id() {
        throw new Error('not loaded')
      },
    })
    return res.end()
  }
  const id = new URL(req.url, 'http://x').searchParams.get('id')
  await sleep(Math.random() * 10)
  await new Promise((resolve) => setImmediate(resolve))
  if (id !== null) callsight.setConsumer({ id, name: `Name of ${id}`, plan: 'gold', group: 'g' })
  callsight.setAttribute('shop.cart', 3)
  callsight.setAttribute('shop.vip', true)
  await sleep(1)
  res.end(id)
})
callsight.setConsumer({ id: 'outside of any call' })
server.listen(port, '127.0.0.1', () => listening(server))
