import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { boards, type Panel, viewerFolders } from './index.ts'

/** What a board must keep so that both Grafana and the viewer show it as meant. */
describe.each(boards())('$uid', (board) => {
  const panels = board.panels.map((panel) => [panel.title, panel] as const)

  test('has few panels with ids and titles of their own, inside the grid and side by side', () => {
    expect(board.panels.length).toBeLessThanOrEqual(14)
    expect(new Set(board.panels.map(({ id }) => id)).size).toBe(board.panels.length)
    expect(new Set(board.panels.map(({ title }) => title)).size).toBe(board.panels.length)
    const taken = new Set<string>()
    for (const { title, gridPos } of board.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x},${y}`), `${title} overlaps at ${x},${y}`).toBe(false)
          taken.add(`${x},${y}`)
        }
      }
    }
    expect(taken.size % 24, 'rows are filled').toBe(0)
  })

  test('links to siblings and keeps time and variables', () => {
    expect(board.links).toEqual([expect.objectContaining({ tags: board.tags, keepTime: true, includeVars: true })])
    expect(boards().every(({ tags }) => tags.includes(board.tags[0]!))).toBe(true)
  })

  test.each(panels)('%s: says what it is, from where, and what to do', (_title, panel) => {
    expect(panel.title.length).toBeLessThanOrEqual(32)
    expect(panel.description.length).toBeGreaterThan(80)
    expect(panel.description).toMatch(/`(calls|objective_states|alert_events|quota_states|agent_reports)`/)
    expect(panel.fieldConfig.defaults.noValue).not.toBe('')
  })

  test.each(panels)('%s: asks by the data source variable, in a form both can run', (_title, panel) => {
    for (const target of panel.targets) {
      expect(target.datasource.uid).toBe(`\${datasource}`)
      expect(target.queryType).toBe(target.format === 0 ? 'timeseries' : 'table')
      expect(target.rawSql).not.toMatch(/\$service(?![),])|\$\{service\}|'\$|--|\/\*|;|\bcallsight\./)
      // Grafana takes these for patterns inside of $__conditionalAll.
      expect(target.rawSql).not.toMatch(/\$['&`$]/)
      if (/\bFROM (calls|operations_|consumers_)/.test(target.rawSql) && /WHERE/.test(target.rawSql)) {
        expect(target.rawSql).toContain(`$__conditionalAll(service IN (\${service:singlequote}), $service)`)
        expect(target.rawSql).toContain("direction = 'in'")
      }
    }
  })

  test.each(panels)('%s: overrides and order name columns that its SQL answers', (_title, panel) => {
    const names = [
      ...panel.fieldConfig.overrides.flatMap(({ matcher }) => (matcher.id === 'byName' ? [matcher.options] : [])),
      ...(panel.options.sortBy ?? []).map(({ displayName }) => displayName),
    ]
    for (const name of names) expect(columnsOf(panel), name).toContain(name)
  })

  test.each(panels)('%s: links lead to boards and variables that exist', (_title, panel) => {
    for (const url of linksOf(panel)) {
      const [, uid, variable] = /^\/d\/([\w-]+)\?var-(\w+)=/.exec(url) ?? []
      const target = boards().find((one) => one.uid === uid)
      expect(
        target?.templating.list.map(({ name }) => name),
        url,
      ).toContain(variable)
    }
  })
})

test('the page allows its import map and nothing else inline', () => {
  const page = readFileSync(join(viewerFolders.page, 'index.html'), 'utf8')
  const map = /<script type="importmap">([\s\S]*?)<\/script>/.exec(page)![1]!
  const hash = createHash('sha256').update(map).digest('base64')
  expect(page).toContain(`script-src 'self' 'sha256-${hash}'`)
  expect(page.match(/<script(?! type="importmap"| type="module" src="\/viewer\/)/g)).toBeNull()
  expect(page).not.toMatch(/https?:\/\/|style=/)
})

/** Names after AS, and bare ones that a line of the outermost SELECT consists of. */
function columnsOf(panel: Panel): string[] {
  const sql = panel.targets[0]!.rawSql
  const quoted = [...sql.matchAll(/\bAS (?:"([^"]+)"|(\w+))/g)].map((match) => match[1] ?? match[2]!)
  return [...quoted, ...[...sql.matchAll(/^ {2}(\w+),?$/gm)].map((match) => match[1]!)]
}

function linksOf({ fieldConfig }: Panel): string[] {
  const overridden = fieldConfig.overrides.flatMap(({ properties }) =>
    properties.flatMap((property) => (property.id === 'links' ? property.value : [])),
  )
  return [...(fieldConfig.defaults.links ?? []), ...overridden].map(({ url }) => url)
}
