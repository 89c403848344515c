import { h, icon } from './dom.ts'

const key = 'callsight-theme'
const system = matchMedia('(prefers-color-scheme: dark)')

/** Light or dark: the reader's choice, or else the system's. */
function theme(): 'light' | 'dark' {
  const chosen = localStorage.getItem(key)
  if (chosen === 'light' || chosen === 'dark') return chosen
  return system.matches ? 'dark' : 'light'
}

/** The button that changes it; `changed` is called for everything that is drawn on canvas. */
export function themeButton(changed: () => void): HTMLButtonElement {
  const button = h('button', { type: 'button', class: 'control square' })
  const apply = () => {
    const now = theme()
    document.documentElement.dataset.theme = now
    const label = now === 'dark' ? 'Light colours' : 'Dark colours'
    button.setAttribute('aria-label', label)
    button.title = label
    button.replaceChildren(icon(now === 'dark' ? sun : moon))
  }
  button.addEventListener('click', () => {
    localStorage.setItem(key, theme() === 'dark' ? 'light' : 'dark')
    apply()
    changed()
  })
  system.addEventListener('change', () => {
    apply()
    changed()
  })
  apply()
  return button
}

const sun =
  'M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1.1 1.1M11.9 11.9 13 13M3 13l1.1-1.1M11.9 4.1 13 3'
const moon = 'M13.5 9.7A5.8 5.8 0 0 1 6.3 2.5a5.8 5.8 0 1 0 7.2 7.2Z'
