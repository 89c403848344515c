// What redaction costs: nanoseconds per byte, and microseconds for a small body.
// npm run bench -- redact [--seconds 0.5]
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { compileRedactor } from '@callsight/agent/redact'

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '0.5' } } })
const nanos = Number(values.seconds) * 1e9
const redactor = compileRedactor({ mode: 'masked', names: [], paths: [], allow: [] })
const withPaths = compileRedactor({
  mode: 'masked',
  names: ['nickname'],
  paths: ['$.items[*].note', '$..city'],
  allow: [],
})

const order = (i) => ({
  id: 1000 + i,
  customer: `customer-${i}`,
  email: `user${i}@example.com`,
  createdAt: '2026-11-21T09:30:00.000Z',
  address: { street: 'Long Street 12', city: 'Berlin', zip: '10115' },
  items: [{ sku: 'AB-12', title: 'A short title of a book', quantity: 2, price: 19.99, inStock: true }],
  payment: { method: 'card', cardNumber: '4111111111111111', amount: 39.98, currency: 'EUR' },
})
const small = JSON.stringify({
  id: 17,
  title: 'The name of the book',
  author: { id: 3, name: 'Some Author' },
  price: 12.5,
  tags: ['novel', 'classic', 'paper'],
  available: true,
  updatedAt: '2026-11-21T09:30:00Z',
  note: 'in stock soon again',
})
const list = Array.from({ length: 400 }, (_, i) => order(i))
const words = 'The order was paid and sent to the customer on time with number 4711 by mail from berlin. '
const cases = [
  ['JSON, 200 bytes', 'application/json', small],
  ['JSON, 200 bytes, with paths', 'application/json', small, withPaths],
  [
    'form, 200 bytes',
    'application/x-www-form-urlencoded',
    'id=17&title=The+name+of+the+book&author=3&price=12.5&tags=novel&tags=classic&available=true&password=x&updated=2026-11-21T09%3A30%3A00Z&note=in+stock+soon+again&customer=customer-17&page=2&limit=50&x=1',
  ],
  ['JSON, 16 KB of orders', 'application/json', JSON.stringify(list.slice(0, 45))],
  ['JSON, 130 KB of orders', 'application/json', JSON.stringify(list)],
  ['JSON, 130 KB of orders, with paths', 'application/json', JSON.stringify(list), withPaths],
  ['JSON, 100 KB of numbers', 'application/json', JSON.stringify(Array.from({ length: 20_000 }, (_, i) => i / 8))],
  ['JSON, 100 KB of prose', 'application/json', JSON.stringify([words.repeat(1100)])],
  ['form, 100 KB', 'application/x-www-form-urlencoded', 'name=Some+Body&city=Berlin&count=17&'.repeat(2800)],
  [
    'XML, 100 KB',
    'application/xml',
    `<r>${'<book id="17"><title>The name of it</title><price>12.50</price></book>'.repeat(1400)}</r>`,
  ],
  ['text, 100 KB', 'text/plain', words.repeat(1100)],
]

console.log(`Node ${process.version}, ${cpus()[0].model.trim()}\n`)
console.log('| body | bytes | ns per byte | µs per body |\n|---|---|---|---|')
for (const [name, type, text, one = redactor] of cases) {
  const bytes = Buffer.from(text)
  const run = () => one.body(bytes, type, true)
  for (let i = 0; i < 20_000_000 / (bytes.length + 1000); i++) run()
  let best = Number.POSITIVE_INFINITY
  // The best of several windows: everything else on the machine only adds.
  for (let window = 0; window < 5; window++) {
    const start = process.hrtime.bigint()
    let runs = 0
    let spent = 0
    while (spent < nanos / 5) {
      for (let i = 0; i < 10; i++) run()
      runs += 10
      spent = Number(process.hrtime.bigint() - start)
    }
    best = Math.min(best, spent / runs)
  }
  console.log(`| ${name} | ${bytes.length} | ${(best / bytes.length).toFixed(1)} | ${(best / 1000).toFixed(2)} |`)
}
