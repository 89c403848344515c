// A decode thread that dies when it is told to: before it takes a request, or when its rows are durable and it has told
// nobody yet.
import { parentPort } from 'node:worker_threads'

const on = parentPort.on.bind(parentPort)
parentPort.on = (event, take) =>
  on(event, (message) => {
    if (message.token === 'dies') throw new Error('died before')
    if (message.token === 'dies-silently') parentPort.postMessage = () => {}
    take(message)
    if (message.token === 'dies-silently') throw new Error('died after')
  })
await import('../../collector/dist/receive/thread.js')
