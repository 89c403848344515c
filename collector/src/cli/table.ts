/** Rows in columns as wide as they need to be. @param right columns that are aligned to the right */
export function tableText(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)))
  const lines = [head, ...rows].map((row) =>
    row.map((cell, i) => (right.includes(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join('  '),
  )
  return lines.map((line) => line.trimEnd()).join('\n')
}
