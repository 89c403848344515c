// A process with one application and one monitor: APP and MONITOR (a module, or nothing) choose them; BALLAST are megabytes of
// live objects that it holds beside them.
// Talks with its parent over IPC: every message is answered with its CPU time, the requests it has served, its memory, and the
// milliseconds it took until it listened.
const monitor = process.env.MONITOR ? require(process.env.MONITOR) : {}
const apps = require('./apps.cjs')
const ballast = require('./ballast.cjs')

ballast.load(Number(process.env.BALLAST ?? 0))

let uptime
apps[process.env.APP](monitor).then((server) => {
  uptime = performance.now()
  process.send({ port: server.address().port })
})
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send({ micros: user + system, served: apps.served(), rss: process.memoryUsage().rss, uptime })
})
process.on('disconnect', () => process.exit())
