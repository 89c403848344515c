import { expect, test } from 'vitest'
import { keep } from './bytes.ts'
import { encodeAgent, encodeClient, encodeConsumer, encodeServer } from './record.ts'

test('what is remembered lies apart from Node’s pool, close together', () => {
  const remembered: Buffer[] = []
  for (let i = 0; i < 100; i++) {
    // Bytes of the host between any two of them.
    Buffer.from('x'.repeat(3000))
    remembered.push(
      encodeClient(`10.0.0.${i}`),
      encodeAgent(`agent ${i}`),
      encodeServer('example.com', i),
      encodeConsumer({ id: `acme ${i}` }, 'api_key'),
    )
  }
  const bytes = remembered.reduce((sum, { length }) => sum + length, 0)
  const held = new Set(remembered.map(({ buffer }) => buffer))
  const memory = [...held].reduce((sum, { byteLength }) => sum + byteLength, 0)
  expect(memory).toBeLessThan(bytes * 1.1 + 8192)
})

test('a copy to be kept is one, of any length', () => {
  for (const length of [0, 1, 4095, 4096, 4097, 10, 70_000, 3]) {
    const bytes = Buffer.alloc(length, length % 251)
    const kept = keep(bytes)
    expect(kept.equals(bytes)).toBe(true)
    bytes.fill(255)
    expect(kept.includes(255)).toBe(false)
  }
})
