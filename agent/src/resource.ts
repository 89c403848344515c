import { randomUUID } from 'node:crypto'
import { readFileSync, realpathSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { threadId } from 'node:worker_threads'
import type { Config } from './config.ts'

export type Resource = Record<string, string | number>

/** The agent's own version, as its package says. */
export const VERSION: string = readPackage(join(__dirname, '..'))?.version ?? '0'

/**
 * Who is speaking: the OpenTelemetry resource of this process. Each process and worker thread is an instance of its
 * own, unless `service.instance.id` is given.
 */
export function describeProcess(config: Config): Resource {
  const given = config.resourceAttributes
  const home = mainPackage()
  const resource: Resource = {
    ...given,
    'service.name': config.serviceName || given['service.name'] || home?.name || 'unknown_service:node',
    'service.instance.id': given['service.instance.id'] ?? randomUUID(),
    'host.name': given['host.name'] ?? hostname(),
    'process.pid': process.pid,
    'process.runtime.name': 'nodejs',
    'process.runtime.version': process.versions.node,
    'telemetry.sdk.language': 'nodejs',
    'telemetry.distro.name': 'callsight',
    'telemetry.distro.version': VERSION,
  }
  const version = given['service.version'] ?? home?.version
  if (version !== undefined) resource['service.version'] = version
  if (threadId > 0) resource['thread.id'] = threadId
  return resource
}

interface Package {
  name?: string
  version?: string
}

/** The nearest named package.json above the main script. */
function mainPackage(): Package | undefined {
  const main = process.argv[1]
  if (main === undefined) return undefined
  try {
    let folder = dirname(realpathSync(resolve(main)))
    for (;;) {
      const found = readPackage(folder)
      if (found?.name) return found
      const parent = dirname(folder)
      if (parent === folder) return undefined
      folder = parent
    }
  } catch {
    return undefined
  }
}

function readPackage(folder: string): Package | undefined {
  try {
    const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Package
    return { ...(typeof name === 'string' && { name }), ...(typeof version === 'string' && { version }) }
  } catch {
    return undefined
  }
}
