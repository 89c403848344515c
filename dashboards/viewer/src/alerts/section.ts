import { h } from '../dom.ts'

/** A part of the page: it draws itself anew with fresh figures. */
export interface Section {
  readonly element: HTMLElement
  refresh(): Promise<void>
  recolor?(): void
}

const states = new WeakMap<HTMLElement, string>()

/**
 * Fills a place with what is new, unless something is open in it: nobody wants a page that takes away what one is about
 * to press. Who has the focus keeps it.
 */
export function refill(place: HTMLElement, now: unknown, make: () => (HTMLElement | null)[]): void {
  const text = JSON.stringify(now)
  if (states.get(place) === text || place.querySelector(':popover-open') !== null) return
  states.set(place, text)
  const active = document.activeElement
  const label = active !== null && place.contains(active) ? active.getAttribute('aria-label') : null
  place.replaceChildren(...make().filter((one) => one !== null))
  if (label === null) return
  const same = [...place.querySelectorAll<HTMLElement>('[aria-label]')]
  same.find((one) => one.getAttribute('aria-label') === label)?.focus({ preventScroll: true })
}

export function titled(title: string, ...rest: (HTMLElement | null)[]): HTMLElement {
  return h('div', { class: 'spread' }, h('h2', {}, title), ...rest)
}

/** What an alert or a rule is about, one label after the other. */
export function labelList(labels: Readonly<Record<string, string>>): HTMLElement | null {
  const entries = Object.entries(labels)
  if (entries.length === 0) return null
  return h(
    'ul',
    { class: 'labels' },
    ...entries.map(([name, value]) =>
      h('li', {}, h('span', { class: 'note' }, name), ' ', value === '' ? '(none)' : value),
    ),
  )
}

/** A state as a coloured mark and its word. */
export function badge(state: string, words: string = state): HTMLElement {
  return h('span', { class: `badge ${state}` }, words)
}
