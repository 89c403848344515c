import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const REGISTER = fileURLToPath(new URL('../../agent/dist/register.js', import.meta.url))

/** How a process ended. */
export interface Ended {
  code: number | null
  signal: string | null
  stdout: string
  stderr: string
  ms: number
}

export interface Host {
  url: string
  port: number
  process: ChildProcess
  ended: Promise<Ended>
  /** What it has said so far. */
  output(): { stdout: string; stderr: string }
  /** SIGTERM, and wait: the agent sends its last calls. */
  stop(): Promise<Ended>
}

export interface HostOptions {
  /** Where the agent sends; without it the agent is not loaded at all. */
  collector?: string
  env?: Record<string, string>
  /** More arguments for node, before the script. */
  node?: string[]
  /** How the agent is loaded. */
  load?: '--require' | '--import' | 'not'
  args?: string[]
  /** Another node than the one that runs the tests. */
  binary?: string
  /** What it prints when it listens, with the port as the first group. */
  ready?: RegExp
}

/** Runs a script of `test/agent/app` (or an absolute path) in a process of its own. */
export function run(script: string, options: HostOptions = {}): Omit<Host, 'url' | 'port'> {
  const file = script.startsWith('/') ? script : fileURLToPath(new URL(`app/${script}`, import.meta.url))
  const load = options.load ?? '--require'
  const agent = options.collector !== undefined && load !== 'not' ? [load, REGISTER] : []
  const { NODE_OPTIONS: _options, ...inherited } = process.env
  const env = Object.fromEntries(Object.entries(inherited).filter(([name]) => !/^(OTEL|CALLSIGHT|VITEST)/.test(name)))
  const begun = performance.now()
  const child = spawn(
    options.binary ?? process.env.TEST_NODE ?? process.execPath,
    [...agent, ...(options.node ?? []), file, ...(options.args ?? [])],
    {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: {
        ...env,
        CALLSIGHT_TRACE_RATIO: '0',
        ...(options.collector !== undefined && { OTEL_EXPORTER_OTLP_ENDPOINT: options.collector }),
        ...options.env,
      },
    },
  )
  // Only a life line: a process left behind by a broken test sees the channel close.
  child.channel?.unref()
  let stdout = ''
  let stderr = ''
  child.stdout!.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr!.on('data', (chunk) => {
    stderr += chunk
  })
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr, ms: performance.now() - begun }))
  })
  return {
    process: child,
    ended,
    output: () => ({ stdout, stderr }),
    stop: () => {
      child.kill('SIGTERM')
      return ended
    },
  }
}

/** Runs a server and waits until it listens. */
export async function serve(script: string, options: HostOptions = {}): Promise<Host> {
  const host = run(script, options)
  const port = await new Promise<number>((resolve, reject) => {
    const look = () => {
      const found = (options.ready ?? /listening (\d+)/).exec(host.output().stdout)
      if (found !== null) resolve(Number(found[1]))
    }
    host.process.stdout!.on('data', look)
    host.ended.then((end) => reject(new Error(`${script} ended before it listened: ${end.stderr}${end.stdout}`)))
  })
  return { ...host, port, url: `http://127.0.0.1:${port}` }
}

/** Counts equal values: `{ 'GET /users/:id 200': 3 }`. */
export function tally<T>(items: readonly T[], name: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const item of items) counts[name(item)] = (counts[name(item)] ?? 0) + 1
  return counts
}
