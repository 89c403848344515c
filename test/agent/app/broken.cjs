// Breaks one function of the agent, the one that APP_BREAK names, for the whole life of the process.
const path = require('node:path')

const [file, name] = process.env.APP_BREAK.split(' ')
const module_ = require(path.join(__dirname, '..', '..', '..', 'agent', 'dist', file))
const [exported, method] = name.split('.')
const boom = () => {
  throw new Error('sabotage')
}
if (method === undefined) module_[exported] = boom
else module_[exported].prototype[method] = boom
