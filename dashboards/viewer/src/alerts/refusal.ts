import { Refused, TokenNeeded } from '../api.ts'
import { h } from '../dom.ts'
import { askToken } from '../token.ts'

/** Why something was not done, with a way to give another token where that would help. */
export function refusal(error: unknown, again: () => void): HTMLElement {
  const words = error instanceof Error ? error.message : String(error)
  const line = h('p', { class: 'fault refusal', role: 'alert' }, `Not done: ${words}.`)
  if (!(error instanceof TokenNeeded) && !(error instanceof Refused && error.status === 403)) return line
  const button = h('button', { type: 'button', class: 'control' }, 'Use another token')
  button.addEventListener('click', () => {
    void askToken(words, 'admin').then(() => {
      line.remove()
      again()
    })
  })
  line.append(' ', button)
  return line
}
