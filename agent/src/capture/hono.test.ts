import { expect, test } from 'vitest'
import { honoTemplate } from './hono.ts'

type Found = Parameters<typeof honoTemplate>[0]
const middleware = async (_context: unknown, next: unknown) => next
const handler = (context: unknown) => context
const found = (...routes: [method: string, path: string, handler: (...args: never[]) => unknown][]) =>
  [routes.map(([method, path, run]) => [[run, { method, path }], {}])] as unknown as Found

test('the first handler that takes no `next`', () => {
  expect(honoTemplate(found(['ALL', '/*', middleware], ['GET', '/users/:id', handler], ['GET', '/*', handler]))).toBe(
    '/users/:id',
  )
})

test('handlers that could all go on: the last that is registered for a method', () => {
  expect(honoTemplate(found(['GET', '/*', middleware], ['GET', '/users/:id', middleware]))).toBe('/users/:id')
})

test('a route for all methods is one, middleware is none', () => {
  expect(honoTemplate(found(['ALL', '/*', middleware], ['ALL', '/hooks/:id', handler]))).toBe('/hooks/:id')
  expect(honoTemplate(found(['ALL', '/*', middleware]))).toBe('')
  expect(honoTemplate(found())).toBe('')
})

test('a handler inside an application with its own error handler', () => {
  const composed = Object.assign(async (_context: unknown, _next: unknown) => {}, { __COMPOSED_HANDLER: handler })
  expect(honoTemplate(found(['GET', '/users/:id', composed], ['GET', '/*', middleware]))).toBe('/users/:id')
})
