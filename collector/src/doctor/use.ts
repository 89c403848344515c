import type { Token } from '../config/config.ts'
import type { Door } from '../token.ts'
import type { Check } from './check.ts'

/** Tokens that nobody came in with: forgotten ones, or senders that never arrived. */
export function useCheck(tokens: readonly Token[], doors: readonly Pick<Door, 'hasSeen'>[]): Check {
  const unused = tokens.filter((token) => !doors.some((door) => door.hasSeen(token))).map(({ name }) => name)
  const found = unused.length === 0 ? 'all were used since the start' : `not used since the start: ${unused.join(', ')}`
  return { name: 'tokens in use', status: 'ok', found: tokens.length === 0 ? 'there are none' : found }
}
