import { createHash } from 'node:crypto'
import type { Token } from './config/config.ts'

type Scope = Token['scope']

/** SHA-256 of a token or key, as callsight.yaml wants it. */
export function digest(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

/** What somebody came in with: the token's digest, empty without one, and the token where it is configured. */
export interface Pass {
  digest: string
  token?: Token
}

/**
 * The door of one listener: who may pass with which token.
 * Tokens are found by their digest, which a guesser cannot steer, so the look-up's timing tells nothing.
 */
export class Door {
  #byDigest = new Map<string, Token>()
  readonly #used = new Set<string>()
  readonly #scopes: readonly Scope[]
  readonly #guests: readonly Scope[]
  #open = true

  /**
   * @param scopes any of which opens this door
   * @param guests those who pass as well, but whose tokens alone do not close it
   */
  constructor(tokens: readonly Token[], scopes: readonly Scope[], guests: readonly Scope[] = []) {
    this.#scopes = scopes
    this.#guests = guests
    this.configure(tokens)
  }

  /** Takes the tokens of a new configuration. */
  configure(tokens: readonly Token[]): void {
    const fitting = [...this.#scopes, ...this.#guests]
    this.#byDigest = new Map(
      tokens.filter((token) => fitting.includes(token.scope)).map((token) => [token.sha256, token]),
    )
    this.#open = !tokens.some((token) => this.#scopes.includes(token.scope))
  }

  /** True without any fitting token configured: everybody who reaches the listener may pass. */
  get open(): boolean {
    return this.#open
  }

  /** True when somebody came in with this token since the start. */
  hasSeen({ sha256 }: Token): boolean {
    return this.#used.has(sha256)
  }

  /**
   * @param authorization the header's value
   * @returns what lets in, or why nothing does
   */
  admit(authorization: string | undefined): Pass | { refused: string } {
    const secret = /^bearer\s+(\S+)\s*$/i.exec(authorization ?? '')?.[1]
    if (secret === undefined) {
      if (this.open) return { digest: '' }
      return { refused: 'a token is needed: send the header "authorization: Bearer TOKEN"' }
    }
    const sha256 = digest(secret)
    const token = this.#byDigest.get(sha256)
    if (token !== undefined) {
      this.#used.add(sha256)
      return { digest: sha256, token }
    }
    if (this.open) return { digest: sha256 }
    return { refused: `this token is not known here, or its scope is none of ${this.#scopes.join(', ')}` }
  }
}
