// Loads all that calls go through, uses none of it, and says what keeps this process busy or listens to it.
const http = require('node:http')
for (const name of ['node:https', 'node:http2', 'node:worker_threads', 'node:zlib']) require(name)

http.createServer(() => {})
new http.Agent({ keepAlive: true })
const counts = process.eventNames().map((name) => `${String(name)} ${process.listenerCount(name)}`)
// What marks a context does nothing, and random bytes are drawn at once.
const made = globalThis.made.filter((type) => !['callsight', 'RANDOMBYTESREQUEST'].includes(type)).sort()
console.log(JSON.stringify({ counts, made }))
