import type { Token } from '../config/config.ts'
import { limits } from '../limits.ts'
import type { SpoolState } from '../spool/spool.ts'
import type { Door } from '../token.ts'
import type { SpoolBounds } from '../web/health.ts'
import type { Routes } from '../web/server.ts'
import { type Check, statusOf } from './check.ts'
import { type EngineParts, engineChecks } from './engine.ts'
import { spoolChecks } from './spool.ts'
import { useCheck } from './use.ts'

export interface DoctorParts extends EngineParts {
  /** The data folder. */
  folder: string
  spool: () => SpoolState
  bounds: SpoolBounds
  tokens: () => readonly Token[]
  doors: readonly Door[]
}

/**
 * `GET /api/v1/doctor`: what `callsight doctor` can only learn from the collector that has the store and the spool. The
 * checks make tables for a moment, so they run once at a time, and who asks again soon gets the same answer.
 */
export function doctorRoutes(parts: DoctorParts): Routes {
  let last: { at: number; checks: Promise<Check[]> } | undefined
  return async (server) => {
    server.get('/api/v1/doctor', async () => {
      if (last === undefined || Date.now() - last.at > limits.doctorRestMs) {
        last = { at: Date.now(), checks: examine(parts) }
      }
      const checks = await last.checks
      return { pid: process.pid, status: statusOf(checks), checks }
    })
  }
}

async function examine({ folder, spool, bounds, tokens, doors, ...engine }: DoctorParts): Promise<Check[]> {
  return [...(await engineChecks(engine)), ...spoolChecks(folder, bounds, spool()), useCheck(tokens(), doors)]
}
