import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, statfsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'

/*
 * The collector under test: a real `callsight up`, watched from outside through its API, its /metrics and /proc.
 */

const program = fileURLToPath(new URL('../../../collector/bin/callsight.js', import.meta.url))
/** Clock ticks of /proc: USER_HZ is 100 on every Linux. */
const TICK_MS = 10
/** What Node's own timer takes: the histogram of event-loop delay holds it in every value. */
const LOOP_RESOLUTION_MS = 10

export const pinned = spawnSync('taskset', ['-V']).status === 0 && cpus().length > 1

/** Moves a running process with all its threads onto the last core. */
export function pinToLast(pid) {
  if (pinned) spawnSync('taskset', ['-a', '-c', '-p', String(cpus().length - 1), String(pid)])
}

export function describeMachine(folder) {
  const where = pinned
    ? 'load generator on the last core, collector on all'
    : 'load generator and collector on all cores'
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  const tmpfs = statfsSync(folder).type === 0x01021994 ? ', DATA ON TMPFS: fsync costs nothing here' : ''
  const { version } = createRequire(import.meta.url)('chdb/package.json')
  return `Node ${process.version}, chdb ${version}, ${cpus().length} × ${cpus()[0].model.trim()}, ${memory}, ${where}${tmpfs}`
}

export class Collector {
  /** @param profiles folder for CPU profiles of all its JavaScript threads, written when it stops */
  static async start({ data, config, profiles }) {
    const args = [program, 'up', '--data', data, '--otlp', '127.0.0.1:0', '--web', '127.0.0.1:0', '--log-level', 'warn']
    if (config !== undefined) args.push('--config', config)
    if (profiles !== undefined) args.unshift('--cpu-prof', `--cpu-prof-dir=${profiles}`)
    const collector = new Collector()
    collector.child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    collector.ended = once(collector.child, 'exit')
    let text = ''
    for await (const chunk of collector.child.stdout.setEncoding('utf8')) {
      text += chunk
      const ready = /^ready .*$/m.exec(text)?.[0]
      if (ready === undefined) continue
      collector.otlp = / otlp=(\S+)/.exec(ready)[1]
      collector.web = / web=(\S+)/.exec(ready)[1]
      // The line comes a moment before it listens to signals.
      await fetch(`${collector.web}/healthz`)
      return collector
    }
    throw new Error('the collector ended before it was ready')
  }

  get pid() {
    return this.child.pid
  }

  /** Seconds it took. */
  async stop() {
    const began = performance.now()
    this.child.kill('SIGTERM')
    const [code] = await this.ended
    if (code !== 0) throw new Error(`the collector ended with ${code}`)
    return (performance.now() - began) / 1000
  }

  /** CPU seconds so far: of the process, and of each thread that lives, by its id. */
  cpu() {
    const ticks = (path) => {
      const fields = readFileSync(path, 'utf8').split(') ').at(-1).split(' ')
      return ((Number(fields[11]) + Number(fields[12])) * TICK_MS) / 1000
    }
    const threads = new Map()
    for (const id of readdirSync(`/proc/${this.pid}/task`)) {
      try {
        const name = readFileSync(`/proc/${this.pid}/task/${id}/comm`, 'utf8').trim()
        threads.set(id, { name, seconds: ticks(`/proc/${this.pid}/task/${id}/stat`) })
      } catch (error) {
        // It has ended meanwhile; what it used is in the sum of the process.
        if (error.code !== 'ENOENT' && error.code !== 'ESRCH') throw error
      }
    }
    return { all: ticks(`/proc/${this.pid}/stat`), threads }
  }

  /**
   * CPU seconds since an earlier `cpu()`: of the main thread, of other threads of Node (decoding, files, the compiler),
   * and of the engine, which renames every thread it works on. Threads that have ended count as the engine's.
   */
  cpuSince(before) {
    const after = this.cpu()
    const used = { all: after.all - before.all, main: 0, node: 0, threads: [] }
    for (const [id, { name, seconds }] of after.threads) {
      const more = seconds - (before.threads.get(id)?.seconds ?? 0)
      const main = Number(id) === this.pid
      if (main) used.main = more
      else if (/^node|^libuv|^V8|^Delayed|decode/i.test(name)) used.node += more
      used.threads.push({ name: main ? 'main' : `${name} ${id}`, seconds: more })
    }
    used.engine = used.all - used.main - used.node
    used.threads.sort((a, b) => b.seconds - a.seconds)
    return used
  }

  /** Megabytes. */
  memory() {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8')
    const of = (name) => (Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)[1]) * 1024) / 1e6
    return { now: of('VmRSS'), peak: of('VmHWM') }
  }

  /** Its Prometheus metrics: name, with the labels as they are written, to number. */
  async metrics() {
    const text = await (await fetch(`${this.web}/metrics`)).text()
    const metrics = new Map()
    for (const line of text.split('\n')) {
      const space = line.lastIndexOf(' ')
      if (!line.startsWith('#') && space > 0) metrics.set(line.slice(0, space), Number(line.slice(space + 1)))
    }
    return metrics
  }

  /** Calls found since a full hour, as single calls and by minute. */
  async counts(since) {
    return { raw: await this.found(since, 30_000), minutes: await this.found(since, 60_000) }
  }

  /** By the panel that draws requests per second; the width of its buckets decides which table it reads. */
  async found(since, intervalMs) {
    const end = Math.ceil((Date.now() + 60_000) / 3_600_000) * 3_600_000
    // The panel leaves out the last seconds, because calls may still be on their way.
    const question = { panel: 1, from: since, to: end + 10_000, intervalMs }
    const { columns, rows } = await askPanel(this.web, 'callsight-overview', question)
    const rate = columns.findIndex(({ type }) => type === 'number')
    return Math.round(rows.reduce((sum, row) => sum + row[rate], 0) * (intervalMs / 1000))
  }
}

/** p99 of event-loop delay since the last call of `metrics()`, in milliseconds; the collector starts anew at each. */
export function loopDelay(metrics) {
  return Math.max((metrics.get('nodejs_eventloop_lag_p99_seconds') ?? Number.NaN) * 1000 - LOOP_RESOLUTION_MS, 0)
}

export async function askPanel(web, board, question) {
  const response = await fetch(`${web}/api/v1/boards/${board}/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(question),
  })
  if (!response.ok) throw new Error(`${response.status} for ${board} ${question.panel}: ${await response.text()}`)
  return response.json()
}
