import { describe, expect, it } from 'vitest'
import { microText } from './time.ts'

describe('microText', () => {
  it('writes microseconds in UTC', () => {
    expect(microText(1n)).toBe('1970-01-01 00:00:00.000000')
    expect(microText(1_999n)).toBe('1970-01-01 00:00:00.000001')
    expect(microText(1_795_219_200_000_001_000n)).toBe('2026-11-21 00:00:00.000001')
  })
})
