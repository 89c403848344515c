import type { Options } from './config.ts'
import { Log } from './log.ts'
import { unsupportedRuntime } from './runtime.ts'

/** What other copies of this package in the same process may use of the agent that runs. */
export interface Running {
  armScopes(): void
  setConsumer(consumer: unknown, request?: unknown): void
  setAttribute(key: unknown, value: unknown): void
  flush(): Promise<boolean>
  stop(): Promise<void>
}

/** Two copies of a package are easily installed; two agents would record every call twice. */
const KEY = Symbol.for('callsight.agent')
const globals = globalThis as Record<symbol, Running | undefined>

export function running(): Running | undefined {
  return globals[KEY]
}

/**
 * Starts the agent of this process, unless it runs, is switched off or cannot run here. Never throws. All else is loaded
 * here and not above: an old runtime could not even read it, and where the agent is switched off it costs nothing.
 */
export function startAgent(options: Options, env: NodeJS.ProcessEnv): void {
  if (globals[KEY] !== undefined) return
  let log = new Log('warn')
  try {
    const unsupported = unsupportedRuntime(globalThis.process?.versions)
    if (unsupported !== undefined) {
      const wanted =
        String(options.logLevel ?? env.CALLSIGHT_LOG_LEVEL)
          .trim()
          .toLowerCase() === 'debug'
      new Log(wanted ? 'debug' : 'none').say('debug', `${unsupported}: nothing is recorded`)
      return
    }
    const { readConfig } = require('./config.js') as typeof import('./config.ts')
    const { config, faults } = readConfig(options, env)
    if (!config.enabled || config.disabled) return
    log = new Log(config.logLevel)
    for (const fault of faults) log.once('warn', fault, fault)
    const { Agent } = require('./agent.js') as typeof import('./agent.ts')
    const { armScopes } = require('./context.js') as typeof import('./context.ts')
    const agent = new Agent(config, log)
    agent.start()
    globals[KEY] = {
      armScopes,
      setConsumer: (consumer, request) => agent.setConsumer(consumer, request),
      setAttribute: (key, value) => agent.setAttribute(key, value),
      flush: () => agent.flush(),
      stop: () => {
        globals[KEY] = undefined
        return agent.stop()
      },
    }
  } catch (error) {
    log.say('error', `the agent could not start, the application is not affected: ${String(error)}`)
  }
}
