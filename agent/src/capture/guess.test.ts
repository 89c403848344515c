import { expect, test } from 'vitest'
import { guessTemplate } from './guess.ts'

test.each([
  ['/', '/'],
  ['/users', '/users'],
  ['/users/', '/users/'],
  ['/users/7', '/users/{id}'],
  ['/users/7/orders/99', '/users/{id}/orders/{id}'],
  ['/v1/oauth2/token', '/v1/oauth2/token'],
  ['/report.json', '/report.json'],
  ['/books/3fa85f64-5717-4562-b3fc-2c963f66afa6', '/books/{id}'],
  ['/commits/deadbeef1234', '/commits/{id}'],
  ['/days/2026-11-21', '/days/{id}'],
  ['/people/ada@example.org', '/people/{id}'],
  ['/search/one%20two', '/search/{id}'],
  ['/long/abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz', '/long/{id}'],
  ['/a/b/c/d/e/f/g/h/i/j/k/l/m/n', '/a/b/c/d/e/f/g/h/i/j/k/l/*'],
])('%s is %s', (path, template) => {
  expect(guessTemplate(path)).toBe(template)
})
