// Makes one part of the agent's outgoing capture throw, as a fault of ours would.
const { SABOTAGE } = process.env
const { Upstreams } = require('../../../agent/dist/capture/upstream.js')
const { Bodies } = require('../../../agent/dist/capture/body.js')
const { Calls } = require('../../../agent/dist/capture/calls.js')
const upstream = require('../../../agent/dist/capture/upstream.js')
const failure = require('../../../agent/dist/capture/failure.js')

const quota = require('../../../agent/dist/capture/quota.js')

const places = {
  quota,
  Upstreams: Upstreams.prototype,
  Bodies: Bodies.prototype,
  Calls: Calls.prototype,
  upstream,
  failure,
}
const [place, name] = SABOTAGE.split('.')
if (typeof places[place][name] !== 'function') throw new Error(`no ${SABOTAGE}`)
Object.defineProperty(places[place], name, {
  value: () => {
    throw new Error('sabotage')
  },
})
