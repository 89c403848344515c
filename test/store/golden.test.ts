import { Session } from 'chdb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrations } from '../../collector/src/store/migrate.ts'
import { type Profile, render } from '../../collector/src/store/profile.ts'
import { temporaryFolder } from '../program.ts'

/**
 * What each profile says to an engine, for eyes and for the engine's own parser. After a change of sql/ or of the
 * profiles write the files anew, and read the difference before it is committed:
 *
 *     npx vitest run test/store/golden.test.ts -u
 */
const profiles: Profile[] = [{ name: 'single' }, { name: 'replicated', cluster: 'prod' }, { name: 'cloud' }]

let engine: Session
beforeAll(() => {
  engine = new Session(temporaryFolder())
})
afterAll(() => engine.close())

describe.each(profiles)('$name', (profile) => {
  const rendered = migrations().map(({ name, statements }) => {
    return { name, statements: statements.map((statement) => render(statement, profile)) }
  })

  it('is what the golden file says', async () => {
    const text = rendered.map(
      ({ name, statements }) => `-- ${name}\n${statements.map((sql) => `${sql};\n`).join('\n')}`,
    )
    await expect(text.join('\n')).toMatchFileSnapshot(`golden/${profile.name}.sql`)
  })

  it('names no setting that the engine does not have', async () => {
    const known = (await engine.queryAsync('SELECT name FROM system.merge_tree_settings', { format: 'TSV' })).text()
    const lists = rendered.flatMap(({ statements }) =>
      statements.flatMap((sql) => /^(?:CREATE TABLE|ALTER TABLE).*\bSETTINGS? (.+)$/s.exec(sql)?.[1] ?? []),
    )
    const names = new Set(lists.flatMap((list) => list.split(',').map((setting) => setting.split('=')[0]!.trim())))
    expect(names.size).toBeGreaterThan(3)
    for (const name of names) expect(known.split('\n')).toContain(name)
  })

  it.each(rendered)('$name is understood by the parser of the engine', async ({ statements }) => {
    for (const sql of statements) {
      const result = await engine.queryBindAsync('SELECT formatQuery({sql:String}) AS text', { sql })
      // ON CLUSTER and the settings are understood, not merely let through.
      for (const word of ['ON CLUSTER prod', 'Replicated', 'deduplication_window_seconds = 604800']) {
        if (sql.includes(word.replace('prod', "'prod'"))) expect(result.text()).toContain(word)
      }
    }
  })
})

it('leaves no statement of a cluster on one server, and no window that replicas do not know', () => {
  for (const { statements } of migrations()) {
    for (const statement of statements) {
      const sql = render(statement, { name: 'replicated', cluster: 'prod' })
      if (!sql.startsWith('INSERT')) expect(sql).toContain("ON CLUSTER 'prod'")
      if (sql.startsWith('CREATE TABLE')) expect(sql).toMatch(/ENGINE = Replicated/)
      expect(sql).not.toContain('non_replicated')
    }
  }
})

it('keeps a window on every table that feeds a view or is fed by one', () => {
  const all = migrations().flatMap(({ statements }) => statements)
  const views = all.filter((sql) => sql.startsWith('CREATE MATERIALIZED VIEW'))
  const tables = new Set(views.flatMap((sql) => [/ TO (\w+)/.exec(sql)![1]!, /\nFROM (\w+)/.exec(sql)![1]!]))
  expect([...tables].sort()).toEqual([
    'agent_reports',
    'agent_reports_15m',
    'calls',
    'calls_15m',
    'calls_1m',
    'consumers_15m',
    'consumers_1d',
    'instance_calls',
    'operations_15m',
    'operations_1m',
  ])
  for (const table of tables) {
    const sql = all.find((sql) => sql.startsWith(`CREATE TABLE IF NOT EXISTS ${table} (`))!
    expect(sql).toMatch(/ non_replicated_deduplication_window = \d{4,}/)
    expect(render(sql, { name: 'replicated' })).toMatch(
      / replicated_deduplication_window = \d{4,}, replicated_deduplication_window_seconds = 604800/,
    )
  }
})
