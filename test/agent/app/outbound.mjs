// The clients of Node as a module imports them.
import { get } from 'node:http'
import { connect } from 'node:http2'
import { promisify } from 'node:util'

const [origin, origin2] = process.argv.slice(2)
await new Promise((resolve) => get(`${origin}/text/http`, (response) => response.resume().on('end', resolve)))
await (await fetch(`${origin}/text/fetch`)).text()

const ask = (session, path) =>
  new Promise((resolve) => {
    const stream = session.request({ ':path': path })
    stream.resume().on('close', () => {
      session.close()
      resolve()
    })
  })
// The first session is the one that the classes are found by, however it is made.
await ask(await promisify(connect)(origin2), '/text/promised')
await ask(connect(origin2), '/text/connect')
