import { Agent, request } from 'node:http'

/** A consumer of the demo: its key, and one call after another at its own pace. */
interface Caller {
  id: string
  key: string
  /** Milliseconds from one call to the next. */
  paceMs: (calls: number) => number
  next: (calls: number) => { method: string; path: string; body?: unknown }
}

const browse = (n: number) =>
  n % 4 === 0 ? { method: 'GET', path: '/api/books' } : { method: 'GET', path: `/api/books/${1 + (n % 5)}` }
const order = (n: number, payBy?: string) => ({
  method: 'POST',
  path: '/api/orders',
  body: { book: 1 + (n % 5), copies: 1 + (n % 3), ...(payBy === undefined ? {} : { payBy }) },
})

/** A handful of consumers on three plans: one slow, one failing, one near its quota. */
export const callers: readonly Caller[] = [
  { id: 'acme', key: 'demo-key-acme-7f3a', paceMs: () => 100, next: (n) => (n % 5 === 0 ? order(n) : browse(n)) },
  {
    id: 'globex',
    key: 'demo-key-globex-91c2',
    paceMs: () => 350,
    next: () => ({ method: 'GET', path: '/api/reports/sales' }),
  },
  {
    id: 'initech',
    key: 'demo-key-initech-04d8',
    paceMs: () => 300,
    next: (n) => order(n, n % 3 === 0 ? undefined : 'telegraph'),
  },
  {
    id: 'hooli',
    key: 'demo-key-hooli-b65e',
    paceMs: () => 200,
    next: (n) => (n % 6 === 0 ? { method: 'GET', path: `/api/orders/${n}` } : browse(n)),
  },
  // Free plan, 120 calls a month: quickly up to 95 %, then carefully.
  { id: 'umbrella', key: 'demo-key-umbrella-2ab9', paceMs: (n) => (n < 114 ? 250 : 60_000), next: browse },
]

export interface Traffic {
  /** Calls that were answered so far. */
  readonly sent: number
  /** Starts no new calls and waits for those under way. */
  stop(): Promise<void>
}

/** Calls the bookshop as all its consumers until it is stopped. */
export function startTraffic(shop: string): Traffic {
  const agent = new Agent({ keepAlive: true })
  const timers = new Set<NodeJS.Timeout>()
  const underWay = new Set<Promise<void>>()
  let sent = 0
  let stopped = false

  for (const caller of callers) {
    let calls = 0
    const turn = () => {
      if (stopped) return
      const n = calls++
      const work: Promise<void> = call(shop, agent, caller, n)
        .then(() => {
          sent++
        })
        .finally(() => underWay.delete(work))
      underWay.add(work)
      const timer = setTimeout(() => {
        timers.delete(timer)
        turn()
      }, caller.paceMs(calls))
      timers.add(timer)
    }
    turn()
  }
  return {
    get sent() {
      return sent
    },
    async stop() {
      stopped = true
      for (const timer of timers) clearTimeout(timer)
      await Promise.all(underWay)
      agent.destroy()
    },
  }
}

function call(shop: string, agent: Agent, caller: Caller, n: number): Promise<void> {
  const { method, path, body } = caller.next(n)
  const payload = body === undefined ? undefined : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const headers = {
      'x-api-key': caller.key,
      'user-agent': `${caller.id}-app/1.0`,
      ...(payload === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
    }
    const outgoing = request(`${shop}${path}`, { method, agent, headers }, (response) => {
      response.resume().on('end', resolve).on('error', reject)
    })
    outgoing.on('error', reject)
    outgoing.end(payload)
  })
}
