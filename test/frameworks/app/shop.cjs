// What every demo application serves, whatever the framework: a small shop with users, orders and tenants.
const http = require('node:http')

const names = new Map([
  ['7', 'Ada'],
  ['8', 'Grace'],
])

exports.list = () => [...names].map(([id, name]) => ({ id, name }))
/** Undefined when there is no such user. */
exports.find = (id) => (names.has(id) ? { id, name: names.get(id) } : undefined)
exports.valid = (body) => typeof body?.name === 'string' && body.name !== ''
exports.made = (body) => ({ id: '9', name: body.name })
exports.order = (id, oid) => ({ user: id, order: oid })
exports.thing = (tenant, thing) => ({ tenant, thing })
exports.fail = () => {
  throw new Error('on purpose')
}

/** A body that leaves in several pieces. */
exports.pieces = async function* pieces() {
  for (const piece of ['one, ', 'zwei für, ', 'three']) {
    await new Promise((resolve) => setImmediate(resolve))
    yield Buffer.from(piece)
  }
}

/** Reads a JSON body where the framework does not. Undefined when it is none. */
exports.read = async (req) => {
  let text = ''
  for await (const chunk of req) text += chunk
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Asks another service, by the global `fetch`. */
exports.byFetch = async () => {
  const answer = await fetch(`${process.env.APP_UPSTREAM}/stock/42?warehouse=1`)
  return answer.json()
}

/** Asks another service, by `http.request`, with a body. */
exports.byHttp = () =>
  new Promise((resolve, reject) => {
    const body = JSON.stringify({ amount: 3 })
    const headers = { 'content-type': 'application/json', 'content-length': body.length }
    const request = http.request(`${process.env.APP_UPSTREAM}/stock/42/reserve`, { method: 'POST', headers })
    request.on('error', reject)
    request.on('response', async (answer) => resolve(await exports.read(answer)))
    request.end(body)
  })
