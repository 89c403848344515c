import { dropDown, h, icon } from './dom.ts'
import { labelOf, presets, type Range, spanOf } from './range.ts'

/** The time range: presets, or two moments in the reader's time zone. */
export function rangePicker(range: Range, choose: (range: Range) => void): HTMLElement {
  const now = Date.now()
  const button = h(
    'button',
    { type: 'button', class: 'control', 'aria-label': `Time range: ${labelOf(range, now)}` },
    icon('M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM8 4.5V8l2.4 1.6'),
    h('span', {}, labelOf(range, now)),
    icon(down),
  )
  const span = spanOf(range, range, now)
  const from = h('input', { type: 'datetime-local', step: 1, value: localText(span.from), required: true })
  const to = h('input', { type: 'datetime-local', step: 1, value: localText(span.to), required: true })
  const fault = h('p', { class: 'fault', role: 'alert' })
  const form = h(
    'form',
    {},
    h('label', { class: 'field' }, 'From', from),
    h('label', { class: 'field' }, 'To', to),
    fault,
    h('button', { type: 'submit', class: 'primary' }, 'Show'),
    h('p', { class: 'note' }, `Time zone: ${Intl.DateTimeFormat().resolvedOptions().timeZone}`),
  )
  const content = h('div', { class: 'popover range' })
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const [begin, end] = [new Date(from.value).getTime(), new Date(to.value).getTime()]
    if (!(begin < end)) {
      fault.textContent = 'The first moment must be before the second.'
      return
    }
    content.hidePopover()
    choose({ from: String(begin), to: String(end) })
  })
  const list = presets.map((preset) => {
    const current = preset.from === range.from && range.to === 'now'
    const item = h('button', { type: 'button', 'aria-current': current ? 'true' : null }, preset.label)
    item.addEventListener('click', () => {
      content.hidePopover()
      choose({ from: preset.from, to: 'now' })
    })
    return h('li', {}, item)
  })
  content.append(h('ul', { class: 'presets' }, ...list), form)
  return dropDown(button, content)
}

/** How often the board asks again. */
export function refreshPicker(
  intervals: string[],
  refresh: string,
  choose: (refresh: string) => void,
  now: () => void,
): HTMLElement {
  const button = h(
    'button',
    { type: 'button', class: 'control square joined', 'aria-label': 'Refresh now', title: 'Refresh now' },
    icon('M13.5 8A5.5 5.5 0 1 1 11.6 3.8L13.5 5.5M13.5 2v3.5H10'),
  )
  button.addEventListener('click', now)
  const select = h(
    'select',
    { class: 'control', 'aria-label': 'Refresh every' },
    ...['', ...intervals].map((interval) =>
      h('option', { value: interval, selected: interval === refresh }, interval === '' ? 'Off' : interval),
    ),
  )
  select.addEventListener('change', () => choose(select.value))
  return h('span', { class: 'group' }, button, select)
}

/**
 * Several values of a variable, or all. Nothing changes until the list is closed, so that several can be ticked.
 *
 * @param load its options, asked for each time the list is opened
 */
export function variablePicker(
  label: string,
  chosen: string[],
  load: () => Promise<string[]>,
  choose: (values: string[]) => void,
): HTMLElement {
  const text = chosen.length === 0 ? 'All' : chosen.length <= 2 ? chosen.join(', ') : `${chosen.length} chosen`
  const button = h(
    'button',
    { type: 'button', class: 'control', 'aria-label': `${label}: ${text}` },
    h('span', { class: 'label' }, label),
    h('span', { class: 'value' }, text),
    icon(down),
  )
  const selected = new Set(chosen)
  const list = h('ul', { class: 'options' })
  const all = h('button', { type: 'button' }, 'All')
  const content = h('div', { class: 'popover options', 'aria-label': label }, all, list)
  all.addEventListener('click', () => {
    selected.clear()
    content.hidePopover()
  })
  const show = (options: string[]) => {
    // A value from the URL that has no calls now stays visible, or it could not be taken away.
    const names = [...new Set([...chosen, ...options])].sort((a, b) => a.localeCompare(b))
    all.setAttribute('aria-current', String(selected.size === 0))
    list.replaceChildren(
      ...names.map((name) => {
        const box = h('input', { type: 'checkbox', value: name, checked: selected.has(name) })
        box.addEventListener('change', () => {
          if (box.checked) selected.add(name)
          else selected.delete(name)
          all.setAttribute('aria-current', String(selected.size === 0))
        })
        return h('li', {}, h('label', {}, box, h('span', { title: name }, name)))
      }),
    )
    if (names.length === 0) list.append(h('li', { class: 'note' }, 'No calls in this time range'))
  }
  content.addEventListener('toggle', (event) => {
    if ((event as ToggleEvent).newState === 'open') {
      show([])
      load().then(show, (error: Error) => list.replaceChildren(h('li', { class: 'fault' }, error.message)))
      return
    }
    const values = [...selected].sort((a, b) => a.localeCompare(b))
    if (JSON.stringify(values) !== JSON.stringify([...chosen].sort((a, b) => a.localeCompare(b)))) choose(values)
  })
  return dropDown(button, content)
}

const down = 'M4.5 6.5 8 10l3.5-3.5'

/** As the browser's date and time field writes it: local time, to the second. */
function localText(ms: number): string {
  const local = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000)
  return local.toISOString().slice(0, 19)
}
