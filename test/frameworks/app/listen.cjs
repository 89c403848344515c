// Listens on a free port and says so; ends by itself when its parent goes away.
const { createServer } = require('node:http')

/** The file with the shop, and which package to take for a name: `{ "express": "express-4" }`. */
exports.shop = `./${process.env.APP}.cjs`
exports.packages = JSON.parse(process.env.APP_PACKAGES ?? '{}')

/** Takes what a shop gives: a function for Node's server, or a server, listening or not. */
exports.listening = async (made) => {
  const server = typeof made === 'function' ? createServer(made) : made
  if (!server.listening) await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  console.log(`listening ${server.address().port}`)
}
if (process.channel) process.on('disconnect', () => process.exit(99))
