// What the heap of a service holds besides the request under way: caches, look-up tables, configuration, the state of its
// libraries. Small objects of mixed shapes that point at each other, since it is those, not bytes, that the garbage collector visits.

/** Lives as long as the process. */
const kept = []

function record(id) {
  return {
    id,
    name: `article ${id} of the catalogue`,
    price: { amount: id * 1.25, currency: ['EUR', 'USD', 'GBP'][id % 3] },
    tags: [`shelf-${id % 97}`, `maker-${id % 1009}`, id % 2 === 0 ? 'new' : 'used'],
    stock: Array.from({ length: 4 }, (_, place) => ({ place, count: (id * place) % 50 })),
    changed: new Date(1.7e12 + id * 1000),
    next: undefined,
  }
}

/** What a thousand records and their map take on a 64-bit machine. The same number for every monitor, whatever it has on the heap itself. */
const THOUSAND_MEGABYTES = 0.73

/** Grows the heap by about so many megabytes of live objects. */
exports.load = (megabytes) => {
  let last
  for (let thousand = 0; thousand < megabytes / THOUSAND_MEGABYTES; thousand++) {
    const byName = new Map()
    for (let i = 0; i < 1000; i++) {
      const made = record(thousand * 1000 + i)
      if (last !== undefined) last.next = made
      last = made
      byName.set(made.name, made)
    }
    kept.push(byName)
  }
}
