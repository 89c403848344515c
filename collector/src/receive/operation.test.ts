import { describe, expect, it } from 'vitest'
import { limits } from '../limits.ts'
import { fold, Operations } from './operation.ts'

describe('operations', () => {
  it.each([
    ['/books', '/books'],
    ['/books/42/reviews', '/books/{id}/reviews'],
    ['/v1/users/6f1c9a50-8f0e-4c3b-9b77-0d1f3a2b4c5d', '/v1/users/{id}'],
    ['/blobs/deadbeef00', '/blobs/{id}'],
    ['/u/ann@example.com', '/u/{id}'],
    ['/days/2026-11-21', '/days/{id}'],
    ['/a/b/c/d/e/f/g/h/i/j', '/a/b/c/d/e/f/g/h/{rest}'],
    ['/', '/'],
  ])('folds %s to %s', (path, folded) => {
    expect(fold(path)).toBe(folded)
  })

  it('stops growing: 404 is one name, and guesses end at the limit', () => {
    const operations = new Operations()
    expect(operations.name('s', 'GET', '', '/wp-admin.php', true)).toBe('GET (unmatched)')
    const word = (i: number) => `/${[...String(i)].map((digit) => 'abcdefghij'[Number(digit)]).join('')}`
    const names = new Set(Array.from({ length: 5000 }, (_, i) => operations.name('s', 'GET', '', word(i), false)))
    expect(names.size).toBe(limits.guessedOperations + 1)
    expect(names).toContain('_OTHER')
    expect(operations.name('other service', 'GET', '', word(4999), false)).toBe(`GET ${word(4999)}`)
  })
})
