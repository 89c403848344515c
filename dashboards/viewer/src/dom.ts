type Content = Node | string | null | undefined

/** Makes an element: attributes are set as text, `class` and `aria-…` as in HTML; a null attribute is left out. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | number | boolean | null | undefined> = {},
  ...children: Content[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, '')
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, String(value))
  }
  element.append(...children.filter((child) => child !== null && child !== undefined))
  return element
}

/** An SVG element. */
export function svg(tag: string, attributes: Record<string, string | number>, ...children: Node[]): SVGElement {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value))
  element.append(...children)
  return element
}

/** An icon of 16 by 16 from one path; decoration only. */
export function icon(path: string): SVGElement {
  return svg('svg', { viewBox: '0 0 16 16', class: 'icon', 'aria-hidden': 'true' }, svg('path', { d: path }))
}

let made = 0

/**
 * A button with a panel that opens beneath it. The browser's own popover closes it on Escape and on a click outside.
 */
export function dropDown(button: HTMLButtonElement, content: HTMLElement): HTMLElement {
  content.id = `popover-${++made}`
  content.setAttribute('popover', 'auto')
  button.setAttribute('popovertarget', content.id)
  button.setAttribute('aria-haspopup', 'dialog')
  button.setAttribute('aria-expanded', 'false')
  content.addEventListener('toggle', (event) => {
    const open = (event as ToggleEvent).newState === 'open'
    button.setAttribute('aria-expanded', String(open))
    if (!open) return
    const at = button.getBoundingClientRect()
    const left = Math.min(at.left, document.documentElement.clientWidth - content.offsetWidth - 8)
    content.style.left = `${Math.max(8, left)}px`
    content.style.top = `${at.bottom + 6}px`
  })
  const wrapper = h('span', { class: 'drop-down' })
  wrapper.append(button, content)
  return wrapper
}
