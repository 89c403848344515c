import { keepToken } from './api.ts'
import { h } from './dom.ts'

let open: Promise<void> | undefined

/** Asks the reader for a token; resolves when one was given. All who need it wait for the same answer. */
export function askToken(reason: string, scope: 'read' | 'admin' = 'read'): Promise<void> {
  open ??= new Promise<void>((resolve) => {
    const input = h('input', {
      type: 'password',
      required: true,
      autocomplete: 'off',
      'aria-label': 'Token',
      placeholder: 'Token',
    })
    const form = h(
      'form',
      { method: 'dialog' },
      h('h2', { id: 'token-title', class: 'token-title' }, 'This collector needs a token'),
      h('p', {}, `${reason}. Make one with: callsight token create --name me --scope ${scope}`),
      input,
      h('button', { type: 'submit', class: 'primary' }, 'Continue'),
      h('p', { class: 'note' }, 'It is kept in this tab only, until the tab is closed.'),
    )
    const dialog = h('dialog', { class: 'token', 'aria-labelledby': 'token-title' }, form)
    dialog.addEventListener('cancel', (event) => event.preventDefault())
    form.addEventListener('submit', () => {
      keepToken(input.value.trim())
      open = undefined
      dialog.remove()
      resolve()
    })
    document.body.append(dialog)
    dialog.showModal()
  })
  return open
}
