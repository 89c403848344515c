import { expect, test } from 'vitest'
import { Patterns } from './pattern.ts'

const patterns = new Patterns(['/users/:id', '/users/{id}/orders/{oid}', 'shops/*/open', '/files/*', '/users/me'])

test.each([
  ['/users/ada', '/users/:id'],
  ['/users/ada/', '/users/:id'],
  ['/users/7/orders/9', '/users/{id}/orders/{oid}'],
  ['/shops/berlin/open', '/shops/*/open'],
  ['/files/a', '/files/*'],
  ['/files/a/b/c', '/files/*'],
  ['/files', undefined],
  ['/users', undefined],
  ['/users/7/orders', undefined],
  ['/Users/7', undefined],
  ['/', undefined],
  // The first that fits, and the same answer from memory.
  ['/users/me', '/users/:id'],
  ['/users/ada', '/users/:id'],
  ['/users', undefined],
])('%s is %s', (path, template) => {
  expect(patterns.match(path)).toBe(template)
})

test('the root and everything can be configured', () => {
  const all = new Patterns(['/', '/*'])
  expect(all.match('/')).toBe('/')
  expect(all.match('/any/thing')).toBe('/*')
})

test('without templates nothing fits', () => {
  expect(new Patterns([]).match('/users/7')).toBeUndefined()
})
