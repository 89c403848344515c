import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { decode } from './decode.ts'

type Decoded = { text: string | undefined; cut: boolean }

function decoded(bytes: Buffer, coding: string, limit = 10_000): Promise<Decoded> {
  return new Promise((resolve) => decode(bytes, coding, limit, (out, cut) => resolve({ text: out?.toString(), cut })))
}

const text = JSON.stringify(Array.from({ length: 100 }, (_, i) => ({ i, word: `word ${i * i}` })))
const codings = [
  ['gzip', gzipSync(text)],
  ['x-gzip', gzipSync(text)],
  ['deflate', deflateSync(text)],
  ['br', brotliCompressSync(text)],
] as const

test.each(codings)('%s is taken off', async (coding, bytes) => {
  expect(await decoded(bytes, coding)).toEqual({ text, cut: false })
})

test.each(codings)('%s cut at any place: a prefix of the text comes out, or nothing', async (coding, bytes) => {
  for (let at = 0; at < bytes.length; at += 7) {
    const { text: part } = await decoded(bytes.subarray(0, at), coding)
    expect(text.startsWith(part ?? '')).toBe(true)
  }
})

test('a bomb: no more than the limit comes out', async () => {
  const bomb = gzipSync(Buffer.alloc(50_000_000, 32))
  const { text: part, cut } = await decoded(bomb, 'gzip', 1000)
  expect(part).toHaveLength(1000)
  expect(cut).toBe(true)
})

test('an unknown coding, and what is none at all', async () => {
  expect(await decoded(Buffer.from(text), 'compress')).toEqual({ text: undefined, cut: false })
  expect((await decoded(Buffer.from('plain'), 'gzip')).text).toBeUndefined()
})
