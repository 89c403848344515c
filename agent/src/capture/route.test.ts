import { expect, test } from 'vitest'
import { Call, type Kind, pathOf } from '../call.ts'
import { GUESSED_OPERATIONS } from '../limits.ts'
import { Operations } from './route.ts'

const kind: Kind = { direction: 'in', answerHeaders: () => ({}), answerHeader: () => undefined, end: () => {} }

function call(url: string, status = 200): Call {
  const made = new Call(kind, 0, 'GET', url, {})
  made.status = status
  return made
}

test('a thousand guesses, then _OTHER', () => {
  const operations = new Operations()
  const word = (i: number) =>
    i.toString(26).replace(/./g, (digit) => String.fromCharCode(97 + Number.parseInt(digit, 26)))
  const names = new Set<string>()
  for (let i = 0; i < 3 * GUESSED_OPERATIONS; i++) names.add(operations.of(call(`/${word(i)}x`)).name)
  expect(names.size).toBe(GUESSED_OPERATIONS + 1)
  expect(names).toContain('GET _OTHER')
})

test('a 404 is unmatched unless its template has been answered before', () => {
  const operations = new Operations()
  expect(operations.of(call('/users/1', 404)).name).toBe('GET (unmatched)')
  expect(operations.of(call('/users/2')).name).toBe('GET /users/{id}')
  expect(operations.of(call('/users/3', 404)).name).toBe('GET /users/{id}')
})

test.each([
  ['/a?b', '/a'],
  ['*', '*'],
  ['http://host/a?b', '/a'],
  ['http://host', '/'],
])('the path of %s is %s', (url, path) => {
  expect(pathOf(url)).toBe(path)
})
