import type { Config } from '../config/config.ts'
import { refuseOpenDoors } from '../main.ts'
import { digest } from '../token.ts'
import type { Check } from './check.ts'

/** Who may come in: every listener that others reach needs a token, and no two tokens may be the same secret. */
export function tokenChecks(config: Config): Check[] {
  const { tokens } = config
  const checks: Check[] = []
  try {
    refuseOpenDoors(config)
  } catch (error) {
    const [found, remedy] = (error as Error).message.split('\n')
    checks.push({ name: 'tokens', status: 'fail', found: found!, remedy: remedy! })
  }
  const namesOf = (sha256: string) => tokens.filter((token) => token.sha256 === sha256)
  for (const sha256 of new Set(tokens.map((token) => token.sha256))) {
    const same = namesOf(sha256)
    const names = same.map(({ name, scope }) => `${name} (${scope})`).join(' and ')
    const remedy = 'Make a secret for each: "callsight token create"'
    if (same.length > 1) {
      const found = `${names} are the same secret, and only the last counts`
      checks.push({ name: 'tokens', status: 'fail', found, remedy })
    }
    if (sha256 === digest('')) {
      const found = `${names}: this is the SHA-256 of an empty text, so nobody can come in with it`
      checks.push({ name: 'tokens', status: 'fail', found, remedy })
    }
  }
  if (checks.length > 0) return checks
  const scopes = [...new Set(tokens.map(({ scope }) => scope))].map((scope) => {
    return `${tokens.filter((token) => token.scope === scope).length} ${scope}`
  })
  const found = tokens.length === 0 ? 'none, and none is needed on loopback' : scopes.join(', ')
  return [{ name: 'tokens', status: 'ok', found }]
}
