import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { alertLabels } from './config.ts'
import { keys } from './schema/file.ts'

const page = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8')

it.each(Object.entries(keys))('docs/configuration.md tells every key of "%s"', (section, { known }) => {
  for (const key of known) expect(page, `${section} ${key}`).toMatch(new RegExp(`[\`.]${key}[\`.[]`))
})

it('docs/configuration.md tells every label', () => {
  for (const label of alertLabels) expect(page).toContain(`\`${label}\``)
})
