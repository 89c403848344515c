import { expect, it } from 'vitest'
import { faultText } from './fault.ts'
import { parseConfig } from './read.ts'

const hash = '0123456789abcdef'.repeat(4)

function faultsOf(...tokens: string[]): string[] {
  const lines = tokens.map((token, i) => `  - { name: t${i}, sha256: ${i}${hash.slice(1)}, ${token} }`)
  return parseConfig(`tokens:\n${lines.join('\n')}`, 'file', {}).faults.map(faultText)
}

it('a token of a consumer says whose it is, and stands beside one that closes the door', () => {
  expect(faultsOf('scope: read', 'scope: consumer, consumer: acme')).toEqual([])
  expect(faultsOf('scope: consumer, consumer: acme')).toEqual([
    'file:2:98: tokens[0].scope: without a token of scope read or admin everybody who reaches the viewer reads everything; add one beside this',
  ])
  expect(faultsOf('scope: admin', 'scope: consumer', 'scope: ingest, consumer: acme')).toEqual([
    'file:3:5: tokens[1]: does not say whose it is; add consumer: ID',
    'file:4:116: tokens[2].consumer: the scope of this token is no consumer; remove it, or write scope: consumer',
  ])
})
