import { expect, test } from 'vitest'
import { guessTemplate } from './guess.ts'

test.each([
  ['/', '/'],
  ['/users', '/users'],
  ['/users/', '/users/'],
  ['/users//posts', '/users//posts'],
  // Numbers, signed and long.
  ['/users/7', '/users/{id}'],
  ['/users/7/orders/99', '/users/{id}/orders/{id}'],
  ['/users/-1', '/users/{id}'],
  ['/calls/4915112345678', '/calls/{id}'],
  ['/orders/A-1009', '/orders/{id}'],
  ['/users/user1234', '/users/{id}'],
  // UUID, ULID, ObjectId, KSUID, nano id.
  ['/books/3fa85f64-5717-4562-b3fc-2c963f66afa6', '/books/{id}'],
  ['/books/3FA85F6457174562B3FC2C963F66AFA6', '/books/{id}'],
  ['/books/01ARZ3NDEKTSV4RRFFQ69G5FAV', '/books/{id}'],
  ['/books/507f1f77bcf86cd799439011', '/books/{id}'],
  ['/books/0ujtsYcgvSTl8PAuAdqWYSMnLOv', '/books/{id}'],
  ['/books/V1StGXR8_Z5jdHi6B-myT', '/books/{id}'],
  // Hashes.
  ['/commits/deadbeef1234', '/commits/{id}'],
  ['/commits/abcdefabcdef', '/commits/{id}'],
  ['/blobs/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', '/blobs/{id}'],
  // Dates.
  ['/days/2026-11-21', '/days/{id}'],
  ['/days/20261121', '/days/{id}'],
  ['/at/2026-11-21T10:00:00Z', '/at/{id}'],
  // Addresses, and what had to be encoded.
  ['/people/ada@example.org', '/people/{id}'],
  ['/people/ada%40example.org', '/people/{id}'],
  ['/hosts/10.0.0.1', '/hosts/{id}'],
  ['/search/one%20two', '/search/{id}'],
  // Base64, with digits and without.
  ['/keys/dGhpcyBpcyBhIHRlc3Q=', '/keys/{id}'],
  ['/keys/QmxhdWVzLUxpY2h0X1Rlc3Q', '/keys/{id}'],
  ['/keys/xKqWbTzPvLmNrYsDfGhJ', '/keys/{id}'],
  ['/keys/xKqWbTzPvLmNrYsDfGhJ42', '/keys/{id}'],
  ['/keys/glpat-xKqWbTzPvLmNrYsDfGhJ', '/keys/{id}'],
  ['/keys/key:xKqWbTzPvLmNrYsD', '/keys/{id}'],
  ['/long/abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz', '/long/{id}'],
  // Words stay words.
  ['/v1/oauth2/token', '/v1/oauth2/token'],
  ['/v1.2/users', '/v1.2/users'],
  ['/report.json', '/report.json'],
  ['/film.mp4', '/film.mp4'],
  ['/.well-known/openid-configuration', '/.well-known/openid-configuration'],
  ['/index/_search', '/index/_search'],
  ['/users/@me', '/users/@me'],
  ['/projects:batchGet', '/projects:batchGet'],
  ['/users:getInternationalNames', '/users:getInternationalNames'],
  ['/getUserByEmailAddress', '/getUserByEmailAddress'],
  ['/internationalization', '/internationalization'],
  ['/de-DE/about-us', '/de-DE/about-us'],
  ['/facade', '/facade'],
  // Depth.
  ['/a/b/c/d/e/f/g/h/i/j/k/l/m/n', '/a/b/c/d/e/f/g/h/i/j/k/l/*'],
  ['/a/b/c/d/e/f/g/h/i/j/k/l', '/a/b/c/d/e/f/g/h/i/j/k/l'],
])('%s is %s', (path, template) => {
  expect(guessTemplate(path)).toBe(template)
})

test('a megabyte of path takes no time to speak of', () => {
  const started = performance.now()
  for (const path of ['/'.repeat(1e6), `/${'a'.repeat(1e6)}`, `/${'a-'.repeat(5e5)}1`, '/a1'.repeat(3e5)]) {
    expect(guessTemplate(path).length).toBeLessThan(200)
  }
  expect(performance.now() - started).toBeLessThan(200)
})
