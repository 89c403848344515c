// The programs of other languages, and how each is run.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const python = process.env.PYTHON ?? 'python3'
const javaAgents = { new: '2.21.0', old: '1.32.1' }
const jetty = '9.4.57.v20241219'
const goModules = { new: 'go.mod', old: 'old.mod' }

/** Where Maven keeps what it has downloaded. */
function jar(group, artifact, version) {
  return join(process.env.HOME, '.m2/repository', group, artifact, version, `${artifact}-${version}.jar`)
}

const javaAgent = (conventions) => jar('io/opentelemetry/javaagent', 'opentelemetry-javaagent', javaAgents[conventions])

const classPath = () => [
  ...['server', 'http', 'io', 'util'].map((name) => jar('org/eclipse/jetty', `jetty-${name}`, jetty)),
  jar('javax/servlet', 'javax.servlet-api', '3.1.0'),
]

/** What must not end up in a recording: where it was made. */
const places = [
  ...['command_args', 'command_line', 'executable.path', 'pid', 'runtime.description'].map((key) => `process.${key}`),
  ...['host.name', 'host.id', 'host.arch', 'os.type', 'os.description', 'os.version', 'container.id'],
].join(',')
const anonymous = { OTEL_EXPERIMENTAL_RESOURCE_DISABLED_KEYS: places, OTEL_RESOURCE_DISABLED_KEYS: places }

export const languages = {
  python: {
    available: () =>
      succeeds(python, ['-c', 'import opentelemetry.instrumentation.wsgi, opentelemetry.exporter.otlp.proto.grpc']),
    version: () => /^opentelemetry-sdk==(.*)$/m.exec(readFileSync(join(here, 'python/requirements.txt'), 'utf8'))[1],
    run: (conventions, env) =>
      run(python, [join(here, 'python/shop.py')], {
        ...env,
        ...(conventions === 'new' ? { OTEL_SEMCONV_STABILITY_OPT_IN: 'http' } : {}),
      }),
  },
  go: {
    available: () => succeeds('go', ['build', '-o', '/dev/null', '.'], join(here, 'go'), { GOPROXY: 'off' }),
    version: (conventions) =>
      /otel\/sdk v(\S+)/.exec(readFileSync(join(here, 'go', goModules[conventions]), 'utf8'))[1],
    run: (conventions, env) => run('go', ['run', `-modfile=${goModules[conventions]}`, '.'], env, join(here, 'go')),
  },
  java: {
    available: () =>
      succeeds('javac', ['-version']) && [...classPath(), javaAgent('new')].every((file) => existsSync(file)),
    version: (conventions) => javaAgents[conventions],
    run: async (conventions, env) => {
      const work = mkdtempSync(join(tmpdir(), 'callsight-java-'))
      try {
        const path = [work, ...classPath()].join(':')
        await run('javac', ['-cp', path, '-d', work, join(here, 'java/Shop.java')], {})
        const span = '-Dotel.instrumentation.methods.include=Shop[lookUp]'
        await run('java', [`-javaagent:${javaAgent(conventions)}`, span, '-cp', path, 'Shop'], { ...env, ...anonymous })
      } finally {
        rmSync(work, { recursive: true })
      }
    },
  },
}

function run(command, args, env, cwd) {
  return new Promise((resolve, reject) => {
    const { PATH, HOME } = process.env
    const child = spawn(command, args, { env: { PATH, HOME, ...env }, cwd, stdio: ['ignore', 'inherit', 'inherit'] })
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}`))))
  })
}

function succeeds(command, args, cwd, env) {
  return spawnSync(command, args, { cwd, env: { ...process.env, ...env }, stdio: 'ignore' }).status === 0
}

/** The environment by which a program of any language sends its spans, in one batch at its end. */
export function exporting({ language, endpoint, protocol, compression }) {
  return {
    OTEL_SERVICE_NAME: `${language}-shop`,
    OTEL_RESOURCE_ATTRIBUTES: 'service.version=1.2.3,deployment.environment.name=test',
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
    OTEL_EXPORTER_OTLP_INSECURE: 'true',
    OTEL_BSP_SCHEDULE_DELAY: '60000',
    ...(compression === undefined ? {} : { OTEL_EXPORTER_OTLP_COMPRESSION: compression }),
  }
}
