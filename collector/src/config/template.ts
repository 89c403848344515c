import { nearest, quoted, Unreadable } from './fault.ts'

/** What {{name}} can stand for in a template, beside {{labels.NAME}}. docs/alerts.md says what each is. */
export const placeholders = [
  'title',
  'text',
  'status',
  'reason',
  'severity',
  'rule',
  'summary',
  'since',
  'hurt',
  'compared',
  'board',
  'calls',
  'id',
  'group_key',
  'time',
  'color',
] as const
export type Placeholder = (typeof placeholders)[number]

export const placeholderPattern = /\{\{\s*([\w.]+)\s*\}\}/g

/** A template's body: any text, or a map that is sent as JSON. @throws Unreadable for a placeholder that is not known */
export function parseBody(value: unknown): unknown {
  if (value === undefined || value === null || value === '') throw new Unreadable('is missing', 'add it')
  for (const text of textsOf(value)) checkPlaceholders(text)
  return value
}

/** @throws Unreadable */
export function checkPlaceholders(text: string): string {
  for (const [, name = ''] of text.matchAll(placeholderPattern)) {
    if (/^labels\.\w+$/.test(name) || (placeholders as readonly string[]).includes(name)) continue
    const near = nearest(name, placeholders)
    const remedy =
      near === undefined ? `use one of ${placeholders.join(', ')}, labels.NAME` : `did you mean {{${near}}}?`
    throw new Unreadable(`there is no placeholder ${quoted(`{{${name}}}`)}`, remedy)
  }
  return text
}

/** Whether text is JSON as long as every placeholder in it stands inside of quotes. */
export function isJsonTemplate(text: string): boolean {
  try {
    JSON.parse(text.replace(placeholderPattern, 'x'))
    return true
  } catch {
    return false
  }
}

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(textsOf)
}
