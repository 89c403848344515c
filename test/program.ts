import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, expect } from 'vitest'
import { openStore, type Store } from '../collector/src/store/store.ts'
import { until } from './until.ts'

/** The built programs, as a user runs them. */
export const callsightProgram = fileURLToPath(new URL('../collector/bin/callsight.js', import.meta.url))
export const agentRegister = fileURLToPath(new URL('../agent/dist/register.js', import.meta.url))

const running = new Set<Program>()
/** Those that serve every test of a file. */
const lasting = new Set<Program>()
const folders: string[] = []

afterEach(async () => {
  const left = [...running].map((program) => program.name)
  await Promise.all([...running].map((program) => program.kill()))
  expect(left, 'programs left running').toEqual([])
})
afterAll(async () => {
  await Promise.all([...lasting].map((program) => program.kill()))
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'callsight-test-'))
  folders.push(folder)
  return folder
}

/** A child process with what it printed. */
export class Program {
  readonly name: string
  readonly child: ChildProcess
  stdout = ''
  stderr = ''
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>

  constructor(
    args: string[],
    options: { env?: Record<string, string>; cwd?: string; name?: string; lasting?: boolean; command?: string } = {},
  ) {
    this.name = options.name ?? args.join(' ')
    this.child = spawn(options.command ?? process.execPath, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: options.cwd,
      env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', TMPDIR: tmpdir(), ...options.env },
    })
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
    })
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    const set = options.lasting ? lasting : running
    set.add(this)
    this.ended = once(this.child, 'close').then(([code, signal]) => {
      set.delete(this)
      return { code, signal }
    })
  }

  /** Waits for a line of standard output and gives what the pattern found. */
  line(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray> {
    return until(
      `${pattern} from ${this.name}`,
      () => {
        const found = pattern.exec(this.stdout)
        if (found === null && !running.has(this) && !lasting.has(this))
          throw new Error(`it ended and said: ${this.stdout}${this.stderr}`)
        return found ?? undefined
      },
      timeoutMs,
    )
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    this.child.kill(signal)
    return this.ended
  }

  kill(): Promise<unknown> {
    return this.stop('SIGKILL')
  }
}

export interface RunningCollector extends Program {
  otlp: string
  /** host:port */
  grpc: string
  web: string
  data: string
}

/** Free ports for every listener: tests run side by side. */
export const freePorts = ['--otlp', '127.0.0.1:0', '--otlp-grpc', '127.0.0.1:0', '--web', '127.0.0.1:0']

/** Starts `callsight up` on free ports, with a folder and a configuration of its own; a lasting one for all tests of a file. */
export async function startCollector(
  options: { config?: string; data?: string; args?: string[]; env?: Record<string, string>; lasting?: boolean } = {},
): Promise<RunningCollector> {
  const data = options.data ?? join(temporaryFolder(), 'data')
  const args = [callsightProgram, 'up', '--data', data, ...freePorts]
  if (options.config !== undefined) {
    const file = join(temporaryFolder(), 'callsight.yaml')
    writeFileSync(file, options.config)
    args.push('--config', file)
  }
  const { env = {}, lasting = false } = options
  const program = new Program([...args, ...(options.args ?? [])], { env, name: 'callsight up', lasting })
  const [, otlp, web, grpc] = await program.line(/^ready otlp=(\S+) web=(\S+) grpc=(\S+)$/m)
  return Object.assign(program, { otlp: otlp!, web: web!, grpc: grpc!, data })
}

/** Starts a program of test/pipeline/app with the agent in it; it prints where it listens. */
export async function startApp(file: string, env: Record<string, string>): Promise<Program & { url: string }> {
  const path = fileURLToPath(new URL(`pipeline/app/${file}`, import.meta.url))
  const program = new Program(['--require', agentRegister, path], { env, name: file })
  const [, url] = await program.line(/listening on (\S+)/)
  return Object.assign(program, { url: url! })
}

/** Waits until ClickHouse has what was acknowledged: a request is answered as soon as its rows are safe in the spool. */
export async function settled(collector: { web: string }, timeoutMs?: number): Promise<void> {
  await until(
    'empty spool',
    async () => {
      const response = await fetch(`${collector.web}/readyz`)
      const { spool } = (await response.json()) as { spool: { segments: number } }
      return spool.segments === 0
    },
    timeoutMs,
  )
}

/** Opens what a stopped collector has left, asks it, and closes it again. */
export async function inStore<T>(data: string, ask: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore(`embedded:${data}`)
  try {
    return await ask(store)
  } finally {
    await store.close()
  }
}

/** An answer of the collector's API. */
export async function api<T>(collector: { web: string }, path: string, init?: RequestInit): Promise<T> {
  const response = await fetch(`${collector.web}${path}`, init)
  const body = await response.text()
  if (!response.ok) throw new Error(`${response.status} for ${path}: ${body}`)
  return JSON.parse(body) as T
}
