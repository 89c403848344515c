/** One request to a demo application, and what the agent must say about it. Paths are written as in Express. */
export interface Ask {
  method: string
  path: string
  body?: string
  /** The registered template; undefined where no route is behind the answer. */
  route?: string
  /** The template without a route: a guess, or a fixed name. */
  guess?: string
  status: number
}

const ok = { status: 200 }
const user = JSON.stringify({ name: 'Zoë' })

/** What every demo application serves alike. */
export const ASKS: readonly Ask[] = [
  { method: 'GET', path: '/', route: '/', ...ok },
  { method: 'GET', path: '/users?limit=2', route: '/users', ...ok },
  { method: 'POST', path: '/users', body: user, route: '/users', status: 201 },
  { method: 'POST', path: '/users', body: '{}', route: '/users', status: 400 },
  { method: 'GET', path: '/users/7', route: '/users/:id', ...ok },
  { method: 'GET', path: '/users/8?full=1', route: '/users/:id', ...ok },
  { method: 'GET', path: '/users/0', route: '/users/:id', status: 404 },
  { method: 'HEAD', path: '/users/7', route: '/users/:id', ...ok },
  { method: 'PUT', path: '/users/7', route: '/users/:id', status: 204 },
  { method: 'GET', path: '/users/7/orders/9', route: '/users/:id/orders/:oid', ...ok },
  { method: 'GET', path: '/tenants/acme/things/5', route: '/tenants/:tenant/things/:thing', ...ok },
  { method: 'GET', path: '/fail', route: '/fail', status: 500 },
  { method: 'GET', path: '/old', route: '/old', status: 302 },
  { method: 'GET', path: '/stream', route: '/stream', ...ok },
  { method: 'GET', path: '/proxy/fetch', route: '/proxy/fetch', ...ok },
  { method: 'GET', path: '/proxy/http', route: '/proxy/http', ...ok },
  { method: 'GET', path: '/private/17', guess: '/private/{id}', status: 401 },
  { method: 'GET', path: '/nothing/here', guess: '(unmatched)', status: 404 },
  { method: 'GET', path: '/nothing/there', guess: '(unmatched)', status: 404 },
]

/** The calls that `/proxy/fetch` and `/proxy/http` make themselves: operation, status, sizes of the bodies. */
export const OUTGOING: readonly [operation: string, status: number, request: number, response: number][] = [
  ['GET /stock/{id}', 200, 0, 11],
  ['POST /stock/{id}/reserve', 201, 12, 11],
]
