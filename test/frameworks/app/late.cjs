// Loads its packages first and starts the agent afterwards, from the program itself.
const { listening, packages, shop } = require('./listen.cjs')

for (const name of process.env.APP_LOADED.split(',')) require(packages[name] ?? name)
require('../../../agent/dist/index.js').start()
require(shop)((name) => require(packages[name] ?? name)).then(listening)
