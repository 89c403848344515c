// Loads its packages first and starts the agent afterwards, from the program itself; even a second time.
const { listening, packages, shop } = require('./listen.cjs')

for (const name of process.env.APP_LOADED.split(',')) require(packages[name] ?? name)
const callsight = require('../../../agent/dist/index.js')

async function main() {
  callsight.start()
  await callsight.stop()
  callsight.start()
  await listening(await require(shop)((name) => require(packages[name] ?? name)))
}
main()
