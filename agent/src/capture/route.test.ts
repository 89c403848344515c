import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { Call, type Kind, pathOf } from '../call.ts'
import { GUESSED_OPERATIONS, REGISTERED_OPERATIONS, ROUTE_LENGTH } from '../limits.ts'
import { Operations } from './route.ts'

const kind: Kind = { direction: 'in', answerHeaders: () => ({}), answerHeader: () => undefined, end: () => {} }

function call(url: string, method = 'GET', route?: string, status = 200): Call {
  const made = new Call(kind, 0, method, url, {})
  made.status = status
  made.request = {} as NonNullable<Call['request']>
  if (route !== undefined) made.finder = () => route
  return made
}

const missing = (url: string) => call(url, 'GET', undefined, 404)

const word = (i: number) => i.toString(26).replace(/./g, (digit) => 'abcdefghijklmnopqrstuvwxyz'[parseInt(digit, 26)]!)

describe('bounds', () => {
  test('a thousand guesses, then _OTHER', () => {
    const operations = new Operations()
    const names = new Set<string>()
    for (let i = 0; i < 3 * GUESSED_OPERATIONS; i++) names.add(operations.of(call(`/${word(i)}x`)).name)
    expect(names.size).toBe(GUESSED_OPERATIONS + 1)
    const other = operations.of(call('/one/more'))
    expect([other.name, other.route, other.source]).toEqual(['GET _OTHER', undefined, 'guess'])
    // What has a name already keeps it.
    expect(operations.of(call(`/${word(7)}x`)).name).toBe(`GET /${word(7)}x`)
  })

  test('a route for each tenant: the limit, then _OTHER without a route', () => {
    const operations = new Operations()
    const names = new Set<string>()
    for (let i = 0; i < REGISTERED_OPERATIONS + 500; i++) {
      names.add(operations.of(call('/', 'GET', `/tenant-${i}/users/:id`)).name)
    }
    expect(names.size).toBe(REGISTERED_OPERATIONS + 1)
    const other = operations.of(call('/', 'GET', '/tenant-x/users/:id'))
    expect([other.name, other.route, other.source]).toEqual(['GET _OTHER', undefined, 'framework'])
  })

  test('a scan answered with 404 names one operation', () => {
    const operations = new Operations()
    const seen = new Set(Array.from({ length: 5000 }, (_, i) => operations.of(missing(`/${word(i)}.php`))))
    expect(seen.size).toBe(1)
    expect([...seen][0]!.name).toBe('GET (unmatched)')
  })

  test('a million random paths keep memory flat', () => {
    const operations = new Operations()
    const words = Array.from({ length: 4000 }, (_, i) => word(i))
    const scan = (from: number, to: number) => {
      for (let i = from; i < to; i++) {
        const path = `/${words[i % 4000]}/${words[(i * 31) % 3989]}/${i}-${'x'.repeat(i & 255)}`
        operations.of(i % 2 === 0 ? call(path) : missing(path))
      }
    }
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    scan(0, 50_000)
    collect()
    const before = process.memoryUsage().heapUsed
    scan(50_000, 1_050_000)
    collect()
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(4e6)
    expect(operations.of(call('/one/more')).name).toBe('GET _OTHER')
  }, 120_000)

  test('methods that no server knows are one', () => {
    const operations = new Operations()
    const names = new Set(Array.from({ length: 100 }, (_, i) => operations.of(call('/a', `X${i}`)).name))
    expect([...names]).toEqual(['_OTHER /a'])
  })

  test('a template of any length is cut', () => {
    const { name, route } = new Operations().of(call('/', 'GET', `/${'x'.repeat(5000)}`))
    expect(route).toHaveLength(ROUTE_LENGTH)
    expect(name).toBe(`GET ${route}`)
  })
})

describe('who names it', () => {
  test('the framework, then the configuration, then a guess', () => {
    const operations = new Operations(['/users/:id', '/people/:name'])
    const told = (made: Call) => {
      const { name, route, source } = operations.of(made)
      return [name, route, source]
    }
    expect(told(call('/users/7', 'GET', '/users/{user}'))).toEqual(['GET /users/{user}', '/users/{user}', 'framework'])
    expect(told(call('/people/ada'))).toEqual(['GET /people/:name', '/people/:name', 'config'])
    // The framework has seen it, and no route of its own matched.
    expect(told(call('/people/ada', 'GET', '', 401))).toEqual(['GET /people/:name', '/people/:name', 'config'])
    expect(told(call('/houses/7'))).toEqual(['GET /houses/{id}', undefined, 'guess'])
    expect(told(call('/houses/8', 'GET', '', 404))).toEqual(['GET (unmatched)', undefined, 'guess'])
  })

  test('a 404 is unmatched unless its template has been answered before', () => {
    const operations = new Operations()
    expect(operations.of(missing('/users/1')).name).toBe('GET (unmatched)')
    expect(operations.of(call('/users/2')).name).toBe('GET /users/{id}')
    expect(operations.of(missing('/users/3')).name).toBe('GET /users/{id}')
  })
})

test.each([
  ['/a?b', '/a'],
  ['*', '*'],
  ['http://host/a?b', '/a'],
  ['http://host', '/'],
])('the path of %s is %s', (url, path) => {
  expect(pathOf(url)).toBe(path)
})
