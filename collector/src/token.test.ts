import { expect, it } from 'vitest'
import type { Token } from './config/config.ts'
import { Door, digest } from './token.ts'

const token = (name: string, scope: string): Token => ({
  name,
  scope: scope as Token['scope'],
  sha256: digest(name),
  env: undefined,
})

it('a door opens to the tokens of its scopes alone', () => {
  const tokens = ['ingest', 'admin', 'read', 'consumer'].map((scope) => token(scope, scope))
  const door = new Door(tokens, ['ingest', 'admin'])
  for (const name of ['ingest', 'admin']) {
    expect(door.admit(`Bearer ${name}`)).toEqual({ digest: digest(name), token: token(name, name) })
  }
  const refused = { refused: 'this token is not known here, or its scope is none of ingest, admin' }
  for (const name of ['read', 'consumer', 'unknown']) expect(door.admit(`Bearer ${name}`), name).toEqual(refused)
  // The digest itself opens nothing: it stands in a file that people read.
  expect(door.admit(`Bearer ${digest('ingest')}`)).toEqual(refused)
})

it('without a token of its scopes a door is open, and what comes in is told apart by what it brought', () => {
  const door = new Door([token('reader', 'read')], ['ingest'])
  expect(door.open).toBe(true)
  expect(door.admit(undefined)).toEqual({ digest: '' })
  expect(door.admit('Bearer anything')).toEqual({ digest: digest('anything') })
})

it('guests pass, but their tokens alone close no door', () => {
  const guest = token('guest', 'consumer')
  const alone = new Door([guest], ['read'], ['consumer'])
  expect(alone.open).toBe(true)
  expect(alone.admit('Bearer guest')).toEqual({ digest: digest('guest'), token: guest })
  const closed = new Door([guest, token('reader', 'read')], ['read'], ['consumer'])
  expect(closed.open).toBe(false)
  expect(closed.admit('Bearer guest')).toEqual({ digest: digest('guest'), token: guest })
  expect(closed.admit('Bearer else')).toHaveProperty('refused')
})

it('only a bearer token is one', () => {
  const door = new Door([token('right', 'ingest')], ['ingest'])
  const refused = { refused: 'a token is needed: send the header "authorization: Bearer TOKEN"' }
  for (const header of [undefined, '', 'right', 'Basic right', 'Bearer', 'Bearer  ', 'Bearer right wrong']) {
    expect(door.admit(header), header).toEqual(refused)
  }
  for (const header of ['Bearer right', 'bearer right', 'BEARER   right '])
    expect(door.admit(header)).toHaveProperty('token')
})
