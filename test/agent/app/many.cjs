// Many calls one after the other; prints how the memory has grown after a first share of them.
const http = require('node:http')
const [origin, count] = process.argv.slice(2)
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })

const get = (path) =>
  new Promise((resolve, reject) => {
    http.get(origin + path, { agent }, (response) => response.resume().on('end', resolve)).on('error', reject)
  })

/** A word of its own for each number, which no guess takes for an id. */
const word = (i) => String(i).replace(/\d/g, (digit) => 'qrstuvwxyz'[digit])

async function ask(from, to) {
  for (let i = from; i < to; i++) {
    // Every path another one.
    if (i % 4 === 0) await (await fetch(`${origin}/${word(i)}/${i}`)).text()
    else await get(`/${word(i)}/${i}`)
  }
}

async function main() {
  await ask(0, count * 0.3)
  gc()
  const before = process.memoryUsage().heapUsed
  await ask(count * 0.3, count)
  gc()
  console.log(JSON.stringify({ grown: process.memoryUsage().heapUsed - before }))
}
main()
