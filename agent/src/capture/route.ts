import { METHODS } from 'node:http'
import { type Call, pathOf, type Request } from '../call.ts'
import { GUESSED_OPERATIONS, REGISTERED_OPERATIONS, ROUTE_LENGTH } from '../limits.ts'
import { expressTemplate } from './express.ts'
import { guessTemplate } from './guess.ts'
import { nextTemplate } from './next.ts'
import { Patterns } from './pattern.ts'
import { restifyTemplate } from './restify.ts'

/** Who has named an operation: the framework's own route, the user's configuration, or a guess from the path. */
export type Source = 'framework' | 'config' | 'guess'

/** What a call did, shared by all calls that did the same: the unit that everything is counted by. */
export class Operation {
  readonly method: string
  /** As registered with the framework, or as configured; undefined when there is none. */
  readonly route: string | undefined
  readonly name: string
  readonly source: Source
  /** The encoded attributes that depend on nothing but the operation, the status and the outcome. */
  readonly shapes = new Map<number, Buffer>()

  constructor(method: string, route: string | undefined, name: string, source: Source) {
    this.method = method
    this.route = route
    this.name = name
    this.source = source
  }
}

const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS)
const UNMATCHED = '(unmatched)'
const OVERFLOW = '_OTHER'

/** All operations of this process by method and template, bounded whatever is registered and whatever is asked for. */
export class Operations {
  readonly #registered = new Map<string, Map<string, Operation>>()
  readonly #guessed = new Map<string, Map<string, Operation>>()
  readonly #configured: Patterns
  #registrations = 0
  #guesses = 0

  /** @param templates paths that win over a guess: `/users/:id`, `/files/*` */
  constructor(templates: readonly string[] = []) {
    this.#configured = new Patterns(templates)
  }

  /** Asked once for each call, when it has ended. */
  of(call: Call): Operation {
    const { request } = call
    const method = known(call.method)
    const template = request === undefined ? undefined : templateOf(request, call)
    if (template !== undefined && template !== '') return this.#registeredAs(method, template, 'framework')
    const path = pathOf(call.url)
    const configured = this.#configured.match(path)
    if (configured !== undefined) return this.#registeredAs(method, configured, 'config')
    return this.#guess(method, path, call.status === 404, template === '')
  }

  /** For calls whose operation could not be found out. */
  other(method: string): Operation {
    return this.#other(inner(this.#guessed, known(method)), known(method), 'guess')
  }

  #registeredAs(method: string, template: string, source: Source): Operation {
    const operations = inner(this.#registered, method)
    let operation = operations.get(template)
    if (operation !== undefined) return operation
    // An application that registers routes for each of its tenants has no end of them.
    if (this.#registrations >= REGISTERED_OPERATIONS) return this.#other(operations, method, source)
    this.#registrations += 1
    const route = template.length > ROUTE_LENGTH ? template.slice(0, ROUTE_LENGTH) : template
    operation = new Operation(method, route, `${method} ${route}`, source)
    operations.set(template, operation)
    return operation
  }

  #other(operations: Map<string, Operation>, method: string, source: Source): Operation {
    let operation = operations.get(OVERFLOW)
    if (operation === undefined) {
      operation = new Operation(method, undefined, `${method} ${OVERFLOW}`, source)
      operations.set(OVERFLOW, operation)
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
    let operation = operations.get(name)
    if (operation !== undefined) return operation
    if (missing) name = UNMATCHED
    else if (this.#guesses >= GUESSED_OPERATIONS) return this.#other(operations, method, 'guess')
    else this.#guesses += 1
    operation = operations.get(name)
    if (operation === undefined) {
      operation = new Operation(method, undefined, `${method} ${name}`, 'guess')
      operations.set(name, operation)
    }
    return operation
  }
}

/** HTTP/2 takes any word for a method. */
function known(method: string): string {
  return KNOWN_METHODS.has(method) ? method : OVERFLOW
}

/**
 * Asks the frameworks in turn. Each answers with a template, with `''` where it has seen the call and no route matched,
 * or with undefined where it has not. Next.js is the innermost where it is there at all, so its word counts; Express
 * may live inside another. Written out rather than looped over: every call comes through here.
 */
function templateOf(request: Request, call: Call): string | undefined {
  const next = nextTemplate(request)
  if (next !== undefined) return next
  const inside = call.finder === undefined ? undefined : call.finder(call.context)
  if (inside) return inside
  const express = expressTemplate(request)
  if (express) return express
  return restifyTemplate(request) ?? express ?? inside
}

function inner(outer: Map<string, Map<string, Operation>>, method: string): Map<string, Operation> {
  let found = outer.get(method)
  if (found === undefined) {
    found = new Map()
    outer.set(method, found)
  }
  return found
}
