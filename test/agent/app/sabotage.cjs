// Makes a part of the agent throw for every call to /users/…, as a fault of ours would.
const route = require('../../../agent/dist/capture/route.js')

const { of } = route.Operations.prototype
route.Operations.prototype.of = function (call) {
  if (call.url.startsWith('/users/')) throw new Error('sabotage')
  return of.call(this, call)
}
