// What some frameworks and monitors do to servers: `emit` replaced on the prototype and on each server, and requests handed on
// from one server to another.
const http = require('node:http')

const { emit } = http.Server.prototype
http.Server.prototype.emit = function (event, ...args) {
  return emit.call(this, event, ...args)
}
const { createServer } = http
http.createServer = (...args) => {
  const inner = createServer(...args)
  const outer = createServer((req, res) => inner.emit('request', req, res))
  const own = outer.emit
  outer.emit = (...event) => own.apply(outer, event)
  return outer
}
