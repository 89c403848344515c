import { describe, expect, it } from 'vitest'
import { grpcOutcome, httpOutcome } from './outcome.ts'

describe('outcomes', () => {
  it.each([
    [200, '', false, 'ok'],
    [302, '', false, 'ok'],
    [404, '404', true, 'client_error'],
    [429, '', false, 'client_error'],
    [500, '500', true, 'server_error'],
    [504, '504', true, 'timeout'],
    [0, 'ECONNREFUSED', true, 'server_error'],
    [0, 'TimeoutError', true, 'timeout'],
    [0, 'AbortError', true, 'aborted'],
    [200, 'ECONNRESET', true, 'server_error'],
    [0, '', false, 'ok'],
  ] as const)('HTTP %s %s %s is %s', (status, type, failed, outcome) => {
    expect(httpOutcome(status, type, failed)).toBe(outcome)
  })

  it('reads gRPC statuses by number and by name', () => {
    expect([0, 1, 3, 4, 5, 13, 14, 16, 99].map(grpcOutcome)).toEqual([
      'ok',
      'aborted',
      'client_error',
      'timeout',
      'client_error',
      'server_error',
      'server_error',
      'client_error',
      'server_error',
    ])
    expect(['OK', 'DEADLINE_EXCEEDED', 'unavailable', 'odd'].map(grpcOutcome)).toEqual([
      'ok',
      'timeout',
      'server_error',
      'server_error',
    ])
  })

  it('takes a list or a map for no status', () => {
    expect([['OK'], Object.create(null), null, undefined].map(grpcOutcome)).toEqual([
      'server_error',
      'server_error',
      'ok',
      'ok',
    ])
  })
})
