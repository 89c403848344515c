import { expect, test } from 'vitest'
import { unsupportedRuntime } from './runtime.ts'

test.each<[versions: Record<string, string> | undefined, reason: string | undefined]>([
  [process.versions as Record<string, string>, undefined],
  [{ node: '20.6.0' }, undefined],
  [{ node: '26.0.0-nightly20260101' }, undefined],
  [{ node: '20.5.1' }, 'Node 20.5.1 is older than 20.6'],
  [{ node: '14.21.3' }, 'Node 14.21.3 is older than 20.6'],
  [{ node: '24.3.0', bun: '1.3.0' }, 'bun is no Node'],
  [{ node: '24.3.0', deno: '2.5.0' }, 'deno is no Node'],
  [{}, 'this runtime is no Node'],
  [undefined, 'this runtime is no Node'],
])('%j: %s', (versions, reason) => expect(unsupportedRuntime(versions)).toBe(reason))
