import { expect, test } from 'vitest'
import { koaTemplate } from './koa.ts'

const route = (path: string | RegExp, methods = ['HEAD', 'GET']) => ({ path, methods })

test('the layer that has answered', () => {
  const matched = [route('/users/:id'), route('/users/:id/orders/:oid')]
  expect(koaTemplate({ _matchedRoute: '/users/:id', matched, method: 'GET' })).toBe('/users/:id')
})

test('middleware of a router that has answered stands before the route', () => {
  const matched = [route('/users/(.*)', []), route('/users/:id', ['PUT']), route('/users/:id')]
  expect(koaTemplate({ _matchedRoute: '/users/(.*)', matched, method: 'GET' })).toBe('/users/:id')
  expect(koaTemplate({ _matchedRoute: '/users/(.*)', matched, method: 'DELETE' })).toBe('')
})

test('a regular expression as it is written', () => {
  const path = /^\/file-.+$/
  expect(koaTemplate({ _matchedRoute: path, matched: [route(path)], method: 'GET' })).toBe('/^\\/file-.+$/')
})

test('no router, and a router that keeps no layers', () => {
  expect(koaTemplate({})).toBe('')
  expect(koaTemplate({ _matchedRoute: '/users/:id' })).toBe('/users/:id')
})

test('what koa-mount has cut off stands before the route', () => {
  const layer = { ...route('/status/:name'), match: (path: string) => /^\/status\/[^/]+$/.test(path) }
  const context = { _matchedRoute: '/status/:name', matched: [layer], method: 'GET', mountPath: '/inner' }
  expect(koaTemplate({ ...context, path: '/outer/inner/status/db' })).toBe('/outer/inner/status/:name')
  expect(koaTemplate({ ...context, path: '/status/db' })).toBe('/status/:name')
  expect(koaTemplate({ ...context, path: '/else' })).toBe('/status/:name')
})
