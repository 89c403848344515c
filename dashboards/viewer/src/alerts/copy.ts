import { h } from '../dom.ts'

/** A text to take along: shown as it is, with a button that copies it. */
export function copyBox(title: string, name: string) {
  const code = h('code', { 'data-written': name })
  const button = h('button', { type: 'button', class: 'control small', 'aria-label': `Copy: ${title}` }, 'Copy')
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(code.textContent ?? '')
      button.textContent = 'Copied'
    } catch {
      // Not over plain HTTP from elsewhere: then it is marked, to be copied by hand.
      getSelection()?.selectAllChildren(code)
      button.textContent = 'Marked'
    }
    setTimeout(() => {
      button.textContent = 'Copy'
    }, 2000)
  })
  return {
    element: h(
      'div',
      { class: 'copy' },
      h('div', { class: 'spread' }, h('h3', {}, title), button),
      h('pre', { tabindex: 0, 'aria-label': title }, code),
    ),
    show(text: string) {
      code.textContent = text
    },
  }
}
