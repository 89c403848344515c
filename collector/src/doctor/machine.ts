import { closeSync, existsSync, fdatasyncSync, openSync, statfsSync, unlinkSync, writeSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import zlib from 'node:zlib'
import type { Address } from '../config/config.ts'
import { limits } from '../limits.ts'
import type { Presence } from '../presence.ts'
import { bytesText, type Check } from './check.ts'

/** The runtime. */
export function nodeChecks(version = process.versions.node, hasZstd = 'zstdDecompressSync' in zlib): Check[] {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const found = `${version}, ${process.platform} ${process.arch}, ${hasZstd ? 'with zstd' : 'without zstd (that comes with 22.15): senders use gzip'}`
  if (major > 20 || (major === 20 && minor >= 6)) return [{ name: 'node', status: 'ok', found }]
  return [{ name: 'node', status: 'fail', found, remedy: 'Install Node 20.6 or newer' }]
}

/** The data folder: whether it can be written, what is left, and how long one fsync takes. */
export function diskChecks(folder: string): Check[] {
  const path = resolve(folder)
  let there = path
  while (!existsSync(there)) there = dirname(there)
  const { bavail, bsize } = statfsSync(there)
  const free = bavail * bsize
  const space: Check = { name: 'disk space', status: 'ok', found: `${bytesText(free)} free in ${path}` }
  if (free < limits.diskWarnBytes) {
    space.status = free < limits.diskFailBytes ? 'fail' : 'warn'
    space.remedy = 'Make room or shorten what is kept: without room the collector answers 503'
  }
  if (there !== path)
    return [space, { name: 'fsync', status: 'ok', found: `not tried: ${path} is made by "callsight up"` }]
  return [space, fsyncCheck(path)]
}

/** Every acknowledgement waits for one of these. */
function fsyncCheck(folder: string): Check {
  const path = join(folder, `doctor-${process.pid}.part`)
  let times: number[]
  try {
    const file = openSync(path, 'w')
    try {
      const page = Buffer.alloc(4096, 1)
      times = Array.from({ length: limits.fsyncTries }, () => {
        const begun = performance.now()
        writeSync(file, page)
        fdatasyncSync(file)
        return performance.now() - begun
      }).sort((a, b) => a - b)
    } finally {
      closeSync(file)
      unlinkSync(path)
    }
  } catch (error) {
    const remedy = `Make ${folder} writable for the user who runs the collector`
    return { name: 'fsync', status: 'fail', found: (error as Error).message, remedy }
  }
  const [median, worst] = [times[times.length >> 1]!, times.at(-1)!]
  const found = `${median.toFixed(1)} ms, at worst ${worst.toFixed(1)} ms of ${times.length}`
  if (median <= limits.fsyncWarnMs) return { name: 'fsync', status: 'ok', found }
  return {
    name: 'fsync',
    status: 'warn',
    found,
    remedy: 'Each acknowledgement waits for one: put --data on a faster disk',
  }
}

/** Whether each listener can have its port, or has it already. */
export async function portChecks(listen: Readonly<Record<string, Address>>, running?: Presence): Promise<Check[]> {
  const urls = Object.values(running?.listeners ?? {})
  return Promise.all(
    Object.entries(listen).map(async ([name, { host, port }]): Promise<Check> => {
      const check = { name: `port ${name}`, found: `${host}:${port}` }
      if (port === 0) return { ...check, status: 'ok', found: `${check.found} takes a free one` }
      const fault = await whyTaken(host, port)
      if (fault === undefined) return { ...check, status: 'ok', found: `${check.found} is free` }
      if (fault === 'EADDRINUSE' && urls.some((url) => url.endsWith(`:${port}`))) {
        return { ...check, status: 'ok', found: `${check.found} is the running collector's` }
      }
      const why = { EADDRINUSE: 'is taken by another program', EACCES: 'needs more rights' }[fault]
      return {
        ...check,
        status: 'fail',
        found: `${check.found} ${why ?? `cannot be had: ${fault}`}`,
        remedy: `Stop what uses it, or choose another with listen.${name} in callsight.yaml`,
      }
    }),
  )
}

async function whyTaken(host: string, port: number): Promise<string | undefined> {
  const probe = createServer()
  return new Promise((resolve) => {
    probe.once('error', ({ code, message }: NodeJS.ErrnoException) => resolve(code ?? message))
    probe.listen(port, host, () => probe.close(() => resolve(undefined)))
  })
}
