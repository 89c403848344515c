import type { Call } from '../call.ts'
import { acceptField } from './consumer.ts'

/*
 * Frameworks leave whom they have verified on their request object: `user` (Passport, express-jwt, @fastify/jwt, NestJS
 * guards), `auth` (express-oauth2-jwt-bearer, express-basic-auth, express-jwt from version 7 on, Hapi) or `state.user`
 * (Koa). Read when the call has ended, so that the application's own verification has taken place.
 */

interface Verified {
  user?: unknown
  auth?: unknown
  state?: { user?: unknown } | null
}

const PLACES = ['user', 'auth', 'state'] as const

/** Where an id stands in a user or in verified claims; an e-mail address is the last resort, and is hashed. */
const BEFORE_CLAIMS = ['id', '_id']
const AFTER_CLAIMS = ['userId', 'user_id', 'uid', 'username', 'email']

export class HostUser {
  readonly #names: readonly string[]
  readonly #prototypes = new WeakMap<object, boolean>()

  /** @param claims the configured claims of a token, which verified claims are asked for as well */
  constructor(claims: readonly string[]) {
    this.#names = [...BEFORE_CLAIMS, ...claims, ...AFTER_CLAIMS]
  }

  idOf(call: Call): string | undefined {
    const request = requestOf(call)
    if (request === undefined) return undefined
    const id = this.#of(request as Verified)
    // Middleware that was written for Express leaves its user on Node's request, within other frameworks as well.
    return id === undefined && request !== call.request && call.request !== undefined
      ? this.#of(call.request as Verified)
      : id
  }

  #of(request: Verified): string | undefined {
    // Mostly there is none, and to search the prototypes of a request for that, each time, is dear: see `read.ts`.
    if (!PLACES.some((place) => Object.hasOwn(request, place)) && !this.#inherits(Object.getPrototypeOf(request))) {
      return undefined
    }
    const { user, auth, state } = request
    return this.#id(user) ?? this.#authenticated(auth) ?? this.#id(state?.user)
  }

  /** Fastify's decorators put a property on the prototype first. */
  #inherits(prototype: object): boolean {
    let inherits = this.#prototypes.get(prototype)
    if (inherits === undefined) {
      inherits = PLACES.some((place) => place in prototype)
      this.#prototypes.set(prototype, inherits)
    }
    return inherits
  }

  #authenticated(auth: unknown): string | undefined {
    // A text would rather be the credential itself than whom it belongs to.
    if (typeof auth !== 'object' || auth === null) return undefined
    const { payload, credentials, user, isAuthenticated } = auth as Record<string, unknown>
    // Hapi keeps credentials that were tried and refused.
    if (isAuthenticated === false) return undefined
    return this.#id(payload) ?? this.#id(credentials) ?? this.#id(user) ?? this.#id(auth)
  }

  #id(user: unknown): string | undefined {
    if (typeof user !== 'object' || user === null) return acceptField(user)
    for (const name of this.#names) {
      const value = (user as Record<string, unknown>)[name]
      const id = acceptField(value) ?? objectId(value)
      if (id !== undefined) return id
    }
    return undefined
  }
}

/** The request as the application knows it: the framework's own object, else Node's. */
export function requestOf(call: Call): object | undefined {
  // What Hono leaves is a list of handlers.
  return typeof call.context === 'object' && call.context !== null && !Array.isArray(call.context)
    ? call.context
    : call.request
}

/** MongoDB's ids are objects. */
function objectId(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { toHexString } = value as { toHexString?: unknown }
  return typeof toHexString === 'function' ? acceptField(toHexString.call(value)) : undefined
}
