import { afterEach, expect, test, vi } from 'vitest'
import { Call, type Connection, type Headers, type Kind } from '../call.ts'
import { type Options, readConfig } from '../config.ts'
import { Health } from '../health.ts'
import { FAULTS } from '../limits.ts'
import { Log } from '../log.ts'
import { keyedHash } from './consumer.ts'
import { Identity } from './identity.ts'

const SECRET = 's3cret'
const key = (text: string) => `key_${keyedHash(SECRET, text)}`
const token = (payload: object) => `eyJhbGciOiJub25lIn0.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.x`
const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`
const IN = { direction: 'in' } as Kind

interface Ask {
  headers?: Headers
  url?: string
  status?: number
  /** What the framework has put on Node's request. */
  on?: object
  framework?: object
  connection?: Partial<Connection>
  consumer?: Call['consumer']
}

function callOf({ headers = {}, url = '/', status = 200, on = {}, framework, connection, consumer }: Ask): Call {
  const call = new Call(IN, 0, 'GET', url, headers)
  call.request = on as NonNullable<Call['request']>
  call.status = status
  call.context = framework
  call.consumer = consumer
  if (connection !== undefined) {
    call.connection = { trusted: false, address: undefined, certificate: undefined, ...connection }
  }
  return call
}

function identity(options: Options = {}) {
  const { config, faults } = readConfig(options, {})
  expect(faults).toEqual([])
  const health = new Health(new Log('error'))
  const asking = health.feature('consumer function', () => {})
  const made = new Identity(config, SECRET, (consumer, source) => ({ ...consumer, source }), asking)
  return { health, asking, of: (ask: Ask) => made.of(callOf(ask)) }
}

const said = () => vi.spyOn(process.stderr, 'write').mockReturnValue(true)
afterEach(() => vi.restoreAllMocks())

/** Everything at once, best first: whatever is taken away, the next one counts. */
test('each source gives way to the better one', () => {
  const all: Ask = {
    consumer: { id: 'told' },
    on: { user: { id: 'verified' } },
    connection: { trusted: true, certificate: 'spiffe://mesh/client' },
    headers: { 'x-consumer-custom-id': 'gate', 'x-api-key': 'k', authorization: `Bearer ${token({ sub: 's' })}` },
  }
  const withFunction = identity({ consumer: () => 'asked' })
  expect(withFunction.of(all)).toEqual({ id: 'asked', source: 'application' })
  const { of } = identity()
  expect(of(all)).toEqual({ id: 'told', source: 'application' })
  delete all.consumer
  expect(of(all)).toEqual({ id: 'verified', source: 'host' })
  delete all.on
  expect(of(all)).toEqual({ id: 'gate', source: 'gateway' })
  all.connection = { trusted: false, certificate: 'spiffe://mesh/client' }
  expect(of(all)).toEqual({ id: 'spiffe://mesh/client', source: 'mtls' })
  delete all.connection
  expect(of(all)).toEqual({ id: key('k'), source: 'api_key' })
  all.headers = { authorization: all.headers!.authorization }
  expect(of(all)).toEqual({ id: key('s'), source: 'jwt' })
  expect(of({})).toBeUndefined()
})

test.each<[what: string, ask: Ask, id: string | undefined]>([
  ['Passport', { on: { user: { id: 7, username: 'ann' } } }, '7'],
  ['a user that is a text', { on: { user: 'ann' } }, 'ann'],
  ['MongoDB', { on: { user: { _id: { toHexString: () => 'abc123' } } } }, 'abc123'],
  ['express-jwt 6', { on: { user: { sub: 'subject' } } }, 'subject'],
  ['express-jwt 7', { on: { auth: { sub: 'subject', azp: 'client' } } }, 'client'],
  ['express-oauth2-jwt-bearer', { on: { auth: { payload: { sub: 's' }, header: {}, token: 'raw' } } }, 's'],
  ['express-basic-auth tells no more than a user name', { on: { auth: { user: 'ann', password: 'p' } } }, 'ann'],
  ['better-auth', { on: { auth: { user: { id: 'u1' }, session: { id: 's1' } } } }, 'u1'],
  ['Fastify', { framework: { user: { sub: 'f' } } }, 'f'],
  ['Fastify, nobody logged in', { framework: { user: null } }, undefined],
  ['Koa', { framework: { state: { user: { sub: 'k' } } } }, 'k'],
  ['Koa, nobody logged in', { framework: { state: {} } }, undefined],
  ['middleware for Express within Fastify', { framework: { user: null }, on: { user: 'ann' } }, 'ann'],
  ['Hapi', { framework: { auth: { isAuthenticated: true, credentials: { id: 'h' } } } }, 'h'],
  ['Hapi, tried and refused', { framework: { auth: { isAuthenticated: false, credentials: { id: 'h' } } } }, undefined],
  ['a raw credential is no user', { on: { auth: 'Bearer secret' } }, undefined],
  ['a function is no user', { on: { auth: () => ({ userId: 'x' }) } }, undefined],
  ['an e-mail address is hashed', { on: { user: { email: 'ann@example.com' } } }, key('ann@example.com')],
  ['wherever it stands', { on: { user: { id: 'ann@example.com' } } }, key('ann@example.com')],
  ['a verified user counts although it may not do this', { status: 403, on: { user: { id: 7 } } }, '7'],
])('the host says: %s', (_what, ask, id) => {
  expect(identity().of(ask)).toEqual(id === undefined ? undefined : { id, source: 'host' })
})

test.each<[what: string, headers: Headers, expected: object | undefined]>([
  ['Kong', { 'x-consumer-id': 'u-1', 'x-consumer-username': 'acme' }, { id: 'u-1', name: 'acme' }],
  [
    'Kong, own id',
    { 'x-consumer-id': 'u-1', 'x-consumer-custom-id': 'crm-7', 'x-consumer-username': 'crm-7' },
    { id: 'crm-7' },
  ],
  ['Kong, anonymous', { 'x-consumer-username': 'anonymous', 'x-anonymous-consumer': 'true' }, undefined],
  ['APISIX', { 'x-consumer-username': 'jack' }, { id: 'jack' }],
  ['AWS load balancer', { 'x-amzn-oidc-identity': 'sub-1' }, { id: 'sub-1' }],
  ['Azure', { 'x-ms-client-principal-id': 'p-1', 'x-ms-client-principal-name': 'ann@example.com' }, { id: 'p-1' }],
  ['an e-mail address is hashed', { 'x-auth-request-user': 'ann@example.com' }, { id: key('ann@example.com') }],
  ['and is no name', { 'x-consumer-id': 'u-1', 'x-consumer-username': 'ann@example.com' }, { id: 'u-1' }],
])('a trusted gateway says: %s', (_what, headers, expected) => {
  const { of } = identity({ consumerHeader: 'x-nothing' })
  expect(of({ headers, connection: { trusted: true } })).toEqual(expected && { ...expected, source: 'gateway' })
  expect(of({ headers, connection: { trusted: false } })).toBeUndefined()
  expect(of({ headers })).toBeUndefined()
})

test('a user that may not be asked for is none, however often', () => {
  const { of, health } = identity()
  const on = {
    get user(): never {
      throw new Error('not signed in')
    },
  }
  for (let i = 0; i < 2 * FAULTS; i++) expect(of({ on, headers: { 'x-api-key': 'k' } })).toMatchObject({ id: key('k') })
  expect(health.faults.size).toBe(0)
})

test('gateway headers of one’s own, or none', () => {
  const ask = { headers: { 'x-tyk-client': 't', 'x-consumer-id': 'u' }, connection: { trusted: true } }
  expect(identity({ gatewayHeaders: 'X-Tyk-Client' }).of(ask)).toEqual({ id: 't', source: 'gateway' })
  expect(identity({ gatewayHeaders: 'none' }).of(ask)).toEqual({ id: key('u'), source: 'api_key' })
})

const aws = (signature: string) =>
  `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=${signature}`
const digest = (nonce: string) => `Digest username="Mufasa", realm="x", nonce="${nonce}", uri="/", response="6629"`
const jwt = `Bearer ${token({ sub: 's', client_id: 'c' })}`
test.each<[what: string, ask: Ask, id: string | undefined, source?: string]>([
  ['headers in turn', { headers: { 'x-api-key': 'b', 'x-consumer-id': 'a' } }, 'a'],
  ['a bearer', { headers: { authorization: 'Bearer k' } }, 'k'],
  ['the same key in the query', { url: '/x?a=1&API_KEY=k' }, 'k'],
  ['percent-encoded', { url: '/x?api_key=a%2Fb%20c' }, 'a/b c'],
  ['badly encoded', { url: '/x?api_key=100%' }, '100%'],
  ['not in the path', { url: '/api_key=k' }, undefined],
  ['not at the end of another name', { url: '/x?my_api_key=k' }, undefined],
  ['empty', { url: '/x?api_key=&b=1' }, undefined],
  ['a header before the query', { headers: { 'x-api-key': 'h' }, url: '/x?api_key=k' }, 'h'],
  ['a key in the query before a token', { headers: { authorization: jwt }, url: '/x?api_key=k' }, 'k'],
  ['a key before a token', { headers: { authorization: jwt, 'x-api-key': 'k' } }, 'k'],
  ['a token', { headers: { authorization: jwt } }, 'c', 'jwt'],
  ['a token in the query', { url: `/x?access_token=${token({ sub: 's' })}` }, 's', 'jwt'],
  [
    'a token without a known claim is a key',
    { headers: { authorization: `Bearer ${token({ x: 1 })}` } },
    token({ x: 1 }),
  ],
  ['user and password', { headers: { authorization: basic('ann:pa:ss') } }, 'ann'],
  ['a user alone', { headers: { authorization: basic('sk_live:') } }, 'sk_live'],
  ['a password alone', { headers: { authorization: basic(':pat') } }, 'pat'],
  ['another scheme', { headers: { authorization: 'Token k' } }, 'k'],
  ['no scheme', { headers: { authorization: 'k' } }, 'k'],
  ['DPoP', { headers: { authorization: jwt.replace('Bearer', 'DPoP') } }, 'c', 'jwt'],
  ['who signs: AWS', { headers: { authorization: aws('a1') } }, 'AKIDEXAMPLE'],
  ['who signs: Digest', { headers: { authorization: digest('b2') } }, 'Mufasa'],
  ['who signs: Hawk', { headers: { authorization: 'Hawk ts="1", id="dh37", nonce="j4", mac="6R"' } }, 'dh37'],
  [
    'who signs: OAuth 1.0',
    { headers: { authorization: 'OAuth realm="x",oauth_consumer_key="9dj",oauth_nonce="7"' } },
    '9dj',
  ],
  [
    'who signs: HTTP signatures',
    { headers: { authorization: 'Signature keyId="Test",algorithm="rsa-sha256"' } },
    'Test',
  ],
  ['refused: who signs does not count', { status: 403, headers: { authorization: aws('a1') } }, undefined],
  ['a handshake names nobody', { headers: { authorization: 'Negotiate YIIZx' } }, undefined],
  ['and leaves the word to the query', { headers: { authorization: 'NTLM TlRM' }, url: '/?api_key=k' }, 'k'],
  ['refused: a key stays', { status: 401, headers: { 'x-api-key': 'k' } }, 'k'],
  ['refused: a key in the query stays', { status: 403, headers: { authorization: jwt }, url: '/?api_key=k' }, 'k'],
  ['refused: a user alone stays', { status: 401, headers: { authorization: basic('sk_live:') } }, 'sk_live'],
  ['refused: a user name does not', { status: 401, headers: { authorization: basic('ann:guess') } }, undefined],
  ['refused: a token does not', { status: 401, headers: { authorization: jwt } }, undefined],
  ['forbidden: a token does not', { status: 403, headers: { authorization: jwt } }, undefined],
  ['refused: nor in the query', { status: 401, url: `/x?access_token=${token({ sub: 's' })}` }, undefined],
  ['too long', { headers: { 'x-api-key': 'k'.repeat(9000) } }, undefined],
])('a credential: %s', (_what, ask, id, source = 'api_key') => {
  const { of } = identity()
  for (const _ of ['seen', 'remembered'])
    expect(of(ask)).toEqual(id === undefined ? undefined : { id: key(id), source })
})

test('a caller that signs each request anew is one caller, encoded once', () => {
  let hashed = 0
  const { config } = readConfig({}, {})
  const asking = new Health(new Log('none')).feature('consumer function', () => {})
  const made = new Identity(
    config,
    SECRET,
    ({ id }) => id,
    asking,
    () => {
      hashed += 1
    },
  )
  for (let i = 0; i < 1000; i++) {
    expect(made.of(callOf({ headers: { authorization: aws(`${i}`) } }))).toBe(key('AKIDEXAMPLE'))
    expect(made.of(callOf({ headers: { authorization: digest(`${i}`) } }))).toBe(key('Mufasa'))
  }
  expect(hashed).toBe(2)
})

test('names of query parameters are names, not patterns; none looks for none', () => {
  expect(identity({ consumerQuery: ['a.b', 'c[d]'] }).of({ url: '/?aXb=1&c[d]=k' })).toMatchObject({ id: key('k') })
  expect(identity({ consumerQuery: 'none' }).of({ url: '/?api_key=k' })).toBeUndefined()
})

test.each<[answer: unknown, expected: object | undefined]>([
  [
    { id: 'a', name: 'A', plan: 'gold', group: 'g', more: 1 },
    { id: 'a', name: 'A', plan: 'gold', group: 'g' },
  ],
  ['ann@example.com', { id: 'ann@example.com' }],
  [7, { id: '7' }],
])('the application’s function says %o', (answer, expected) => {
  const { of, health } = identity({ consumer: () => answer as string })
  expect(of({})).toEqual({ ...expected, source: 'application' })
  expect(health.faults.size).toBe(0)
})

test('the function gets the framework’s request, and may leave it to the others', () => {
  const seen: unknown[] = []
  const { of, health } = identity({ consumer: (request) => void seen.push(request) })
  const [on, framework] = [{ user: { id: 'u' } }, { user: { id: 'f' } }]
  expect(of({ on })).toMatchObject({ id: 'u' })
  expect(of({ on, framework })).toMatchObject({ id: 'f' })
  expect(seen).toEqual([on, framework])
  expect(health.faults.size).toBe(0)
})

test.each<[what: string, faulty: () => unknown, message: string]>([
  [
    'throws',
    () => {
      throw new Error('on purpose')
    },
    'Error: on purpose',
  ],
  [
    'returns a promise that fails',
    async () => {
      throw new Error('later')
    },
    'the function returned a promise, which nobody waits for; return { id }, a text or undefined',
  ],
  [
    'returns nothing of use',
    () => ({ name: 'no id' }),
    'the function returned neither { id }, nor a text, nor undefined',
  ],
])('a function that %s is said once, and switched off after a while', (_what, faulty, message) => {
  const write = said()
  let runs = 0
  const { of, health } = identity({
    consumer: () => {
      runs += 1
      return faulty() as string
    },
  })
  for (let i = 0; i < FAULTS + 5; i += 1) {
    expect(of({ headers: { 'x-api-key': 'k' } })).toEqual({ id: key('k'), source: 'api_key' })
  }
  expect(runs).toBe(FAULTS)
  expect(health.disabled).toEqual(new Set(['consumer function']))
  expect(write).toHaveBeenCalledTimes(2)
  expect(write.mock.calls[0]![0]).toContain(`[callsight] fault in consumer function, the application is not affected: `)
  expect(write.mock.calls[0]![0]).toContain(message)
  expect(write.mock.calls[1]![0]).toBe(
    '[callsight] 10 faults in consumer function within a minute: it is switched off in this process\n',
  )
})

test('a slow function is believed, said once, and switched off after a while', () => {
  const write = said()
  const { of, asking } = identity({
    consumer: () => {
      const end = performance.now() + 6
      while (performance.now() < end);
      return 'slow'
    },
  })
  for (let i = 0; i <= FAULTS; i += 1) expect(of({})).toEqual({ id: 'slow', source: 'application' })
  expect(asking.off).toBe(true)
  expect(of({})).toBeUndefined()
  expect(write.mock.calls[0]![0]).toMatch(/the function took \d+\.\d ms; it runs for every call and may take 5 ms\n$/)
})

test('a function that is slow now and then has met the garbage collector', () => {
  said()
  let runs = 0
  const { of, health } = identity({
    consumer: () => {
      runs += 1
      const end = performance.now() + (runs % 3 === 0 ? 6 : 0)
      while (performance.now() < end);
      return 'a'
    },
  })
  for (let i = 0; i < 12; i += 1) of({})
  expect(health.disabled.size).toBe(0)
})

test('the credentials of an outgoing call are nobody’s', () => {
  const { config } = readConfig({}, {})
  const asking = new Health(new Log('none')).feature('x', () => {})
  const made = new Identity(config, SECRET, (consumer) => consumer, asking)
  const call = new Call({ direction: 'out' } as Kind, 0, 'GET', '/', { authorization: 'Bearer ours' })
  expect(made.of(call)).toBeUndefined()
  call.consumer = { id: 'told' }
  expect(made.of(call)).toEqual({ id: 'told' })
})
