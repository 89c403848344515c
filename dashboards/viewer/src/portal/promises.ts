import { h } from '../dom.ts'
import type { Me, Section } from './main.ts'

/** What was promised, and whether it was kept, by month. */
export function promisesSection(_me: Me): Section {
  const element = h('section', { hidden: true })
  return { element, refresh: async () => undefined }
}
