import { type Call, pathOf } from '../call.ts'
import { OWN_AGENT } from '../own.ts'
import { Patterns } from './pattern.ts'

const EXPORT = /\/v1\/(?:traces|metrics)$/

/**
 * Incoming calls that are not to be recorded: the configured ones, health checks mostly, and what agents send to a
 * collector that this process is or stands before. To record those would make an export of every export, without end.
 */
export class Ignored {
  readonly #patterns: Patterns | undefined

  /** @param templates of paths, as `CALLSIGHT_IGNORE` has them */
  constructor(templates: readonly string[]) {
    this.#patterns = templates.length > 0 ? new Patterns(templates) : undefined
  }

  /** Asked when the call begins. */
  has({ headers, url }: Call): boolean {
    const agent = headers['user-agent']
    if (typeof agent === 'string' && agent.startsWith(OWN_AGENT) && EXPORT.test(pathOf(url))) return true
    return this.#patterns !== undefined && this.#patterns.match(pathOf(url)) !== undefined
  }
}
