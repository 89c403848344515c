// Every test application listens on a free port and says so; it ends by itself when its parent goes away.
const asked = Number(process.env.APP_PORT ?? 0)
exports.listening = (server) => {
  console.log(`listening ${server.address().port}`)
}
exports.port = asked
process.on('disconnect', () => process.exit(99))
