import type { Statement } from '../../judge/sla/statements.ts'

const columns: readonly (readonly [string, (statement: Statement) => string | number | boolean | null])[] = [
  ['consumer', ({ document }) => document.consumer],
  ['month', ({ document }) => document.month],
  ['time_zone', ({ document }) => document.time_zone],
  ['objective', ({ document }) => document.objective],
  ['formula', ({ document }) => document.terms.formula],
  ['target', ({ document }) => document.terms.target],
  ['attained', ({ document }) => document.attained],
  ['met', ({ document }) => document.met],
  ['credit', ({ document }) => document.credit],
  ['calls', ({ document }) => document.calls.judged],
  ['bad_calls', ({ document }) => document.calls.bad],
  ['excluded_calls', ({ document }) => document.calls.excluded],
  ['slices', ({ document }) => document.slices.counted],
  ['bad_slices', ({ document }) => document.bad_slices_in_all],
  ['final', ({ document }) => document.final],
  ['judged_until', ({ document }) => document.judged_until],
  ['version', ({ version }) => version],
  ['made_at', ({ madeMs }) => (madeMs === null ? null : new Date(madeMs).toISOString())],
  ['checksum', ({ checksum }) => `sha256:${checksum}`],
]

/** One line for each statement, that is for each consumer and objective, below a line of names (RFC 4180). */
export function statementsCsv(statements: readonly Statement[]): string {
  const lines = [
    columns.map(([name]) => name),
    ...statements.map((one) => columns.map(([, value]) => cell(value(one)))),
  ]
  return lines.map((cells) => `${cells.join(',')}\r\n`).join('')
}

/** A text that a spreadsheet would run as a formula begins with an apostrophe: ids come from callers. */
function cell(value: string | number | boolean | null): string {
  if (value === null) return ''
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
