import { describe, expect, it } from 'vitest'
import { limits } from '../limits.ts'
import { Body, Receiving } from './body.ts'

const MiB = 1024 * 1024

describe('a body on its way in', () => {
  it('holds what was announced, and gives it back once', () => {
    const receiving = new Receiving()
    const body = new Body(receiving, 6)
    expect(receiving.bytes).toBe(6)
    for (const part of ['abc', 'def']) body.push(Buffer.from(part))
    expect(body.finish().toString()).toBe('abcdef')
    body.drop()
    expect(receiving.bytes).toBe(0)
  })

  it('grows where nothing was announced, and what came in stays', () => {
    const receiving = new Receiving()
    const body = new Body(receiving, undefined)
    const parts = Array.from({ length: 40 }, (_, i) => Buffer.alloc(10_000, i))
    for (const part of parts) body.push(part)
    expect(receiving.bytes).toBeGreaterThanOrEqual(400_000)
    expect(receiving.bytes).toBeLessThanOrEqual(800_000)
    expect(body.finish().equals(Buffer.concat(parts))).toBe(true)
    expect(receiving.bytes).toBe(0)
  })

  it('is refused for good beyond the limit of one, announced or not', () => {
    const receiving = new Receiving()
    const refused = { status: 413, message: 'the body is larger than 67108864 bytes: send smaller batches' }
    expect(() => new Body(receiving, limits.requestBytes + 1)).toThrow(expect.objectContaining(refused))
    const body = new Body(receiving, undefined)
    const part = Buffer.alloc(16 * MiB)
    for (let i = 0; i < 4; i++) body.push(part)
    expect(() => body.push(Buffer.alloc(1))).toThrow(expect.objectContaining(refused))
    body.drop()
    expect(receiving.bytes).toBe(0)
  })

  it('is asked to come again where there is no room, and large ones leave some to small ones', () => {
    const receiving = new Receiving()
    const busy = { status: 429, retryAfter: 2, message: 'too many large requests are on their way in at once' }
    const large = Array.from({ length: 3 }, () => new Body(receiving, limits.requestBytes))
    expect(() => new Body(receiving, 2 * MiB)).toThrow(expect.objectContaining(busy))
    const growing = new Body(receiving, undefined)
    growing.push(Buffer.alloc(MiB))
    expect(() => growing.push(Buffer.alloc(1))).toThrow(expect.objectContaining(busy))
    growing.drop()
    const small = Array.from({ length: 64 }, () => new Body(receiving, MiB))
    expect(() => new Body(receiving, 1)).toThrow(expect.objectContaining(busy))
    for (const body of [...large, ...small]) body.drop()
    expect(receiving.bytes).toBe(0)
    expect(new Body(receiving, 2 * MiB).length).toBe(0)
  })
})
