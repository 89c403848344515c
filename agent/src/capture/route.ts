import { type Call, pathOf } from '../call.ts'
import { GUESSED_OPERATIONS } from '../limits.ts'
import { expressTemplate, isExpress } from './express.ts'
import { guessTemplate } from './guess.ts'

/** What a call did, shared by all calls that did the same: the unit that everything is counted by. */
export class Operation {
  readonly method: string
  /** As registered with the framework; undefined when there is none. */
  readonly route: string | undefined
  readonly name: string
  /** The encoded attributes that depend on nothing but the operation, the status and the outcome. */
  readonly shapes = new Map<number, Buffer>()

  constructor(method: string, route: string | undefined, name: string) {
    this.method = method
    this.route = route
    this.name = name
  }
}

const UNMATCHED = '(unmatched)'
const OVERFLOW = '_OTHER'

/** All operations of this process by method and template. Registered routes are as many as the code has; guesses are bounded. */
export class Operations {
  readonly #registered = new Map<string, Map<string, Operation>>()
  readonly #guessed = new Map<string, Map<string, Operation>>()
  #guesses = 0

  of(call: Call): Operation {
    const { request, method, status } = call
    let framework = false
    if (call.fastify !== undefined) {
      framework = true
      const url = call.fastify.routeOptions?.url
      if (url !== undefined) return this.#registeredAs(method, url)
    }
    // Express may also live inside Fastify, hence no else.
    if (request !== undefined && isExpress(request)) {
      framework = true
      const template = expressTemplate(request)
      if (template !== undefined) return this.#registeredAs(method, template)
    }
    return this.#guess(method, pathOf(call.url), status === 404, framework)
  }

  /** For calls whose operation could not be found out. */
  other(method: string): Operation {
    return named(this.#guessed, method, OVERFLOW)
  }

  #registeredAs(method: string, route: string): Operation {
    const operations = inner(this.#registered, method)
    let operation = operations.get(route)
    if (operation === undefined) {
      operation = new Operation(method, route, `${method} ${route}`)
      operations.set(route, operation)
    }
    return operation
  }

  /**
   * Answers without a route: raw http, middleware, static files. A 404 gets a name of its own only where the same
   * template has been answered otherwise before; all other 404s are one bucket, however many paths a scanner tries.
   */
  #guess(method: string, path: string, missing: boolean, framework: boolean): Operation {
    const operations = inner(this.#guessed, method)
    let name = missing && framework ? UNMATCHED : guessTemplate(path)
    const operation = operations.get(name)
    if (operation !== undefined) return operation
    if (missing) name = UNMATCHED
    else if (this.#guesses >= GUESSED_OPERATIONS) name = OVERFLOW
    else this.#guesses += 1
    return named(this.#guessed, method, name)
  }
}

function named(all: Map<string, Map<string, Operation>>, method: string, name: string): Operation {
  const operations = inner(all, method)
  let operation = operations.get(name)
  if (operation === undefined) {
    operation = new Operation(method, undefined, `${method} ${name}`)
    operations.set(name, operation)
  }
  return operation
}

function inner(outer: Map<string, Map<string, Operation>>, method: string): Map<string, Operation> {
  let found = outer.get(method)
  if (found === undefined) {
    found = new Map()
    outer.set(method, found)
  }
  return found
}
