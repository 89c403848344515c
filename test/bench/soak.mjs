// Half an hour of uploads, streams and callers that go away: what must stay flat, over time.
// npm run bench -- soak [--minutes 30] [--rate 1000] [--every 60]
import http from 'node:http'
import { parseArgs } from 'node:util'
import { soak } from '../soak/soak.mjs'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    rate: { type: 'string', default: '1000' },
    every: { type: 'string', default: '60' },
  },
})
const sink = http.createServer((request, response) => request.resume().on('end', () => response.end()))
await new Promise((resolve) => sink.listen(0, '127.0.0.1', resolve))
const mb = (bytes) => (bytes / 1e6).toFixed(1)
console.log(`${values.rate} requests per second for ${values.minutes} minutes, Node ${process.version}\n`)
console.log('| second | heap MB | buffers MB | RSS MB | descriptors | listeners | timers | served |')
console.log('|---|---|---|---|---|---|---|---|')
await soak({
  endpoint: `http://127.0.0.1:${sink.address().port}`,
  seconds: Number(values.minutes) * 60,
  rate: Number(values.rate),
  every: Number(values.every),
  onSample: (s) =>
    console.log(
      `| ${s.second} | ${mb(s.heap)} | ${mb(s.buffers)} | ${mb(s.rss)} | ${s.descriptors} | ${s.listeners} | ${s.timers} | ${s.served} |`,
    ),
})
sink.close()
