import type { ColorName } from '@callsight/dashboards'
import type { Answer } from '../api.ts'
import { variableOf } from '../color.ts'
import { h } from '../dom.ts'
import { colorOf, type Look, lookOf, shownOf } from '../field.ts'
import { addressOf } from '../link.ts'
import { moment } from '../range.ts'
import type { MakeDrawing, Page } from './drawing.ts'

type Cell = string | number | null
type Row = Cell[]

interface Column {
  name: string
  type: Answer['columns'][number]['type']
  look: Look
}

/** Rows and columns; a click on a heading sorts by it. The reader's order and place survive new answers. */
export const drawTable: MakeDrawing = (panel, body) => {
  const first = panel.options.sortBy?.[0]
  let sort = first === undefined ? undefined : { name: first.displayName, down: first.desc }
  const head = h('tr')
  const rows = h('tbody')
  const frame = h(
    'div',
    { class: 'table', tabindex: 0, role: 'region', 'aria-label': panel.title },
    h('table', {}, h('thead', {}, head), rows),
  )
  body.append(frame)
  let latest: { answer: Answer; page: Page } | undefined

  let longest = -1
  // Columns take the room they need; when there is too little, the longest text is cut.
  const fit = () => {
    for (const cells of frame.querySelectorAll('tr')) cells.children[longest]?.classList.remove('cut')
    if (frame.scrollWidth <= frame.clientWidth) return
    for (const cells of frame.querySelectorAll('tr')) cells.children[longest]?.classList.add('cut')
  }
  const sizes = new ResizeObserver(fit)
  sizes.observe(frame)

  const draw = (answer: Answer, page: Page) => {
    latest = { answer, page }
    const columns = answer.columns.map(({ name, type }): Column => ({ name, type, look: lookOf(panel, name) }))
    if (head.childElementCount !== columns.length) {
      head.replaceChildren(
        ...columns.map((column) =>
          heading(column, () => {
            // Numbers from the largest, texts from A.
            const down = sort?.name === column.name ? !sort.down : column.type !== 'text'
            sort = { name: column.name, down }
            if (latest !== undefined) draw(latest.answer, latest.page)
          }),
        ),
      )
    }
    for (const [index, cell] of [...head.children].entries()) {
      const sorted = columns[index]!.name === sort?.name
      cell.setAttribute('aria-sort', sorted ? (sort!.down ? 'descending' : 'ascending') : 'none')
    }
    const focused = [...rows.querySelectorAll('a')].indexOf(document.activeElement as HTMLAnchorElement)
    rows.replaceChildren(...sortedRows(answer, sort).map((row) => rowOf(row, columns, page)))
    if (focused !== -1) rows.querySelectorAll('a')[focused]?.focus()
    longest = longestText(answer)
    fit()
    return answer.rows.length > 0
  }
  return { draw, destroy: () => sizes.disconnect() }
}

/** The text column with most letters in one cell. */
function longestText({ columns, rows }: Answer): number {
  let longest = -1
  let most = 0
  for (const [index, { type }] of columns.entries()) {
    if (type !== 'text') continue
    const letters = Math.max(0, ...rows.map((row) => String(row[index]).length))
    if (letters > most) [most, longest] = [letters, index]
  }
  return longest
}

function heading({ name, type }: Column, toggle: () => void): HTMLElement {
  const button = h('button', { type: 'button', class: 'sort' }, name)
  button.addEventListener('click', toggle)
  return h('th', { scope: 'col', class: type === 'text' ? null : 'number' }, button)
}

function sortedRows({ columns, rows }: Answer, sort: { name: string; down: boolean } | undefined): Row[] {
  const index = columns.findIndex(({ name }) => name === sort?.name)
  if (sort === undefined || index === -1) return rows
  const sign = sort.down ? -1 : 1
  return [...rows].sort((a, b) => {
    const [left, right] = [a[index] ?? null, b[index] ?? null]
    if (left === null || right === null) return left === right ? 0 : left === null ? 1 : -1
    if (typeof left === 'number' && typeof right === 'number') return (left - right) * sign
    return String(left).localeCompare(String(right)) * sign
  })
}

function rowOf(row: Row, columns: Column[], page: Page): HTMLElement {
  return h('tr', {}, ...columns.map((column, index) => cellOf(row[index] ?? null, column, row, columns, page)))
}

function cellOf(value: Cell, { look, type }: Column, row: Row, columns: Column[], page: Page): HTMLElement {
  const { text, suffix } = shownOf(look, value)
  const whole = text + suffix
  const title = type === 'time' && typeof value === 'number' ? moment(value) : type === 'text' ? whole : null
  const cell = h('td', { class: type === 'text' ? null : 'number', title })
  const kind = look.custom.cellOptions?.type ?? 'auto'
  const color = colorOf(look, value)
  const link = look.links?.[0]
  if (kind === 'gauge' && value !== null) cell.append(gaugeOf(value, whole, look, color))
  else if (link !== undefined && value !== null) {
    cell.append(h('a', { href: addressOf(link.url, value, row, columns, page), title: link.title }, whole))
  } else cell.append(whole)
  if (kind === 'color-text') cell.style.color = variableOf(color)
  if (kind === 'color-background') cell.style.background = variableOf(color)
  return cell
}

function gaugeOf(value: Cell, text: string, { min = 0, max = 1 }: Look, color: ColorName): HTMLElement {
  const share = typeof value === 'number' ? Math.max(0, Math.min(1, (value - min) / (max - min))) : 0
  const bar = h('span', { class: 'bar' })
  bar.style.width = `${share * 100}%`
  bar.style.background = variableOf(color)
  const written = h('span', { class: 'value' }, text)
  written.style.color = color === 'blue' ? '' : variableOf(color)
  return h('span', { class: 'gauge' }, h('span', { class: 'track' }, bar), written)
}
