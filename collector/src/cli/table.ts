/** Prints columns as wide as their widest cell. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)))
  for (const row of [head, ...rows]) {
    const cells = row.map((cell, i) => cell.padEnd(widths[i]!))
    console.log(cells.join('  ').trimEnd())
  }
}
