import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { readConfig } from '../../collector/src/config/read.ts'
import { callers } from '../../collector/src/demo/traffic.ts'
import { temporaryFolder } from '../program.ts'

const deploy = fileURLToPath(new URL('../../deploy/', import.meta.url))
const env = {
  CLICKHOUSE_PASSWORD: 'secret',
  CALLSIGHT_INGEST_SHA256: 'a'.repeat(64),
  CALLSIGHT_READ_SHA256: 'b'.repeat(64),
}

it('the collector of the compose file has a configuration without faults that knows the demo’s keys', () => {
  const { config, faults } = readConfig(join(deploy, 'compose.callsight.yaml'), env)
  expect(faults).toEqual([])
  const keys = Object.fromEntries(config!.consumers.map(({ id, keys }) => [id, keys]))
  expect(keys).toEqual(
    Object.fromEntries(callers.map(({ id, key }) => [id, [createHash('sha256').update(key).digest('hex')]])),
  )
})

it('the compose file mounts what exists, publishes on loopback only, and takes no default secret', () => {
  const text = readFileSync(join(deploy, 'compose.yaml'), 'utf8')
  const { services, volumes } = parse(text) as {
    services: Record<string, { volumes?: string[]; ports?: string[] }>
    volumes: Record<string, unknown>
  }
  expect(Object.keys(services).sort()).toEqual(['clickhouse', 'collector', 'demo', 'grafana'])
  for (const { volumes: mounts = [], ports = [] } of Object.values(services)) {
    for (const mount of mounts) {
      const source = mount.split(':')[0]!
      if (source.startsWith('.')) expect(existsSync(join(deploy, source)), mount).toBe(true)
      else expect(volumes).toHaveProperty(source)
    }
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/)
  }
  // Every secret is a variable that make-env.mjs makes.
  const folder = temporaryFolder()
  copyFileSync(join(deploy, 'make-env.mjs'), join(folder, 'make-env.mjs'))
  execFileSync(process.execPath, [join(folder, 'make-env.mjs')])
  const made = readFileSync(join(folder, '.env'), 'utf8')
  for (const [, name] of text.matchAll(/\$\{(\w+)[:}]/g)) expect(made).toMatch(new RegExp(`^${name}=\\S+$`, 'm'))
  execFileSync(process.execPath, [join(folder, 'make-env.mjs')])
  expect(readFileSync(join(folder, '.env'), 'utf8')).toBe(made)
})

it('Grafana is provisioned with the data source and the folder that compose mounts', () => {
  const provisioning = join(deploy, 'grafana/provisioning')
  const { datasources } = parse(readFileSync(join(provisioning, 'datasources/clickhouse.yaml'), 'utf8'))
  expect(datasources).toMatchObject([
    { type: 'grafana-clickhouse-datasource', jsonData: { username: 'grafana_reader', defaultDatabase: 'callsight' } },
  ])
  expect(readFileSync(join(deploy, 'clickhouse/reader.xml'), 'utf8')).toContain('<grafana_reader>')
  const { providers } = parse(readFileSync(join(provisioning, 'dashboards/callsight.yaml'), 'utf8'))
  expect(readFileSync(join(deploy, 'compose.yaml'), 'utf8')).toContain(
    `../dashboards/dist:${providers[0].options.path}:ro`,
  )
})
