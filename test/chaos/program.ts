import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { until } from '../until.ts'

export const file = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** A child process with what it printed. */
export class Program {
  readonly child: ChildProcess
  output = ''
  running = true
  readonly ended: Promise<unknown>

  /** @param log file that what it prints is added to */
  constructor(args: string[], env: Record<string, string> = {}, log?: string) {
    this.child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
    })
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output = (this.output + text).slice(-20_000)
        if (log !== undefined) appendFileSync(log, text)
      })
    }
    this.ended = once(this.child, 'close').then(() => {
      this.running = false
    })
  }

  line(pattern: RegExp): Promise<RegExpExecArray> {
    return until(`${pattern}`, () => pattern.exec(this.output) ?? undefined, 30_000)
  }

  end(signal: NodeJS.Signals): Promise<unknown> {
    this.child.kill(signal)
    return this.ended
  }
}

/** A port below those that outgoing connections are given, so that it is still free when the collector comes back. */
export async function freePort(): Promise<number> {
  return until('free port', async () => {
    const port = 20_000 + Math.floor(Math.random() * 10_000)
    const server = createServer().listen(port, '127.0.0.1')
    await once(server, 'listening')
    await new Promise((resolve) => server.close(resolve))
    return port
  })
}

/** Runs a program to its end and gives its standard output. @throws Error with what it said on standard error */
export function output(command: string, args: string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, { maxBuffer: 256 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${command} ${args.join(' ')}: ${stderr || error.message}`))
    })
    // One that reads nothing may be gone already.
    child.stdin!.on('error', () => {}).end(input)
  })
}

/** Asks the stopped collector's store. */
export async function ask(data: string, ...statements: string[]): Promise<Record<string, unknown>[][]> {
  const text = await output(process.execPath, [file('ask.mjs'), data], JSON.stringify(statements))
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
