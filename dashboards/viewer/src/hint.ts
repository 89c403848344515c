import { h } from './dom.ts'

const box = h('div', { id: 'hint', role: 'tooltip', hidden: true })
let owner: HTMLElement | undefined

/** Shows a text beside a control while the pointer or the focus is on it. */
export function explain(control: HTMLElement, text: string): void {
  control.setAttribute('aria-description', text.replaceAll('`', ''))
  const show = () => {
    if (!box.isConnected) document.body.append(box)
    owner = control
    // Names in back quotes are code.
    const parts = text.split('`').map((part, index) => (index % 2 === 1 ? h('code', {}, part) : part))
    box.replaceChildren(...parts)
    box.hidden = false
    const at = control.getBoundingClientRect()
    const { clientWidth, clientHeight } = document.documentElement
    box.style.left = `${Math.max(8, Math.min(at.left - 12, clientWidth - box.offsetWidth - 8))}px`
    const below = at.bottom + 8
    box.style.top = `${below + box.offsetHeight < clientHeight ? below : Math.max(8, at.top - box.offsetHeight - 8)}px`
  }
  const hide = () => {
    if (owner === control) box.hidden = true
  }
  control.addEventListener('mouseenter', show)
  control.addEventListener('focus', show)
  control.addEventListener('mouseleave', hide)
  control.addEventListener('blur', hide)
  control.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') hide()
  })
}
