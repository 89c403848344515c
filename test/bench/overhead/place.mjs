import { fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'

/*
 * Processes and where they run: the server under test on core 0, the load and everything that monitors send to on core 1.
 */

export const pinned = spawnSync('taskset', ['-V']).status === 0 && cpus().length > 1

/** Moves a running process with all its threads onto one core. */
export function pin(pid, core) {
  if (pinned) spawnSync('taskset', ['-a', '-c', '-p', String(core), String(pid)])
}

/** `Node v20.20.2, 2 × AMD EPYC, server on core 0, load on core 1` */
export function describeMachine() {
  const where = pinned ? 'server on core 0, load on core 1' : 'server and load share cores, so expect more noise'
  return `Node ${process.version}, ${cpus().length} × ${cpus()[0].model.trim()}, ${where}`
}

function begin(script, env, node = []) {
  const path = fileURLToPath(new URL(script, import.meta.url))
  return fork(path, { execArgv: node, env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
}

/** Sends a message and waits for the answer; a process that ended instead is an error. */
export function ask(child, message) {
  return new Promise((resolve, reject) => {
    const onExit = (code) => reject(new Error(`a process of the benchmark ended with ${code}`))
    child.once('exit', onExit)
    child.once('message', (answer) => {
      child.off('exit', onExit)
      resolve(answer)
    })
    if (message !== undefined) child.send(message)
  })
}

export function startSink() {
  const child = begin('sink.cjs', process.env)
  pin(process.pid, 1)
  pin(child.pid, 1)
  return {
    open: async () => (await ask(child, { open: true })).port,
    count: (port) => ask(child, { count: port }),
    stop: () => child.disconnect(),
  }
}

/** A server with one application, some megabytes of live objects and one monitor in it, and the monitor's own intake. */
export async function startServer(app, monitor, sink, ballast = 0) {
  const intake = await sink.open()
  const env = {
    ...process.env,
    NODE_ENV: 'production',
    APP: app,
    MONITOR: monitor.module ?? '',
    BALLAST: String(ballast),
    ...monitor.env?.(`http://127.0.0.1:${intake}`),
  }
  const child = begin('server.cjs', env, monitor.node)
  const { port } = await ask(child)
  pin(child.pid, 0)
  return {
    name: monitor.name,
    port,
    /** `{ micros, served, rss }` since it began. */
    read: () => ask(child, 'read'),
    /** What proves that the monitor has done its work: bytes it has sent, or requests that its own page tells of. */
    async evidence() {
      if (monitor.pull === undefined) return { bytes: (await sink.count(intake)).bytes }
      const text = await (await fetch(`http://127.0.0.1:${port}${monitor.pull.path}`)).text()
      const counts = [...text.matchAll(monitor.pull.count)].map(([, count]) => Number(count))
      return { requests: counts.reduce((sum, count) => sum + count, 0) }
    },
    async stop() {
      child.disconnect()
      await once(child, 'exit')
    },
  }
}
