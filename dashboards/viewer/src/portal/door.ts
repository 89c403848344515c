import { h } from '../dom.ts'
import { keepToken } from './ask.ts'

/** Asks for the consumer's token; resolves when one was given. */
export function askToken(refused: boolean): Promise<void> {
  return new Promise((resolve) => {
    const input = h('input', {
      type: 'password',
      required: true,
      autocomplete: 'off',
      'aria-label': 'Access token',
      placeholder: 'cs_consumer_…',
    })
    const form = h(
      'form',
      { class: 'door card' },
      h('h1', {}, 'API usage'),
      h(
        'p',
        {},
        'What you have used, how well you were served, and your calls. Enter the access token that your API provider gave you.',
      ),
      refused
        ? h(
            'p',
            { class: 'fault', role: 'alert' },
            'This token does not open the page. Ask your provider for one of this page.',
          )
        : null,
      input,
      h('button', { type: 'submit', class: 'primary' }, 'Continue'),
      h('p', { class: 'note' }, 'It is kept in this tab only, until the tab is closed.'),
    )
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      keepToken(input.value.trim())
      form.remove()
      resolve()
    })
    document.body.append(form)
    input.focus()
  })
}
