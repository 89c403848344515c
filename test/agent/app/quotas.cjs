// Asks an upstream for every path, three times, by one client. Arguments: the client, the upstream, the paths.
const [client, origin, ...paths] = process.argv.slice(2)
const ask = require('./clients.cjs').clients[client]

async function main() {
  const seen = []
  for (const path of paths) {
    for (let i = 0; i < 3; i++) seen.push((await ask(origin, 'GET', path)).status)
  }
  console.log(JSON.stringify(seen))
  process.exit()
}
main()
