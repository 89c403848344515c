import { h } from '../dom.ts'

type Control = HTMLInputElement | HTMLSelectElement | HTMLElement

/** One thing of the form: its name, its control, what helps to fill it in, and what the collector says is wrong with it. */
export interface Field {
  readonly element: HTMLElement
  /** Undefined: nothing is wrong. */
  fault(text: string | undefined): void
}

export function field(key: string, label: string, control: Control, help?: HTMLElement | string): Field {
  const id = `field-${key}`
  const isOne = control instanceof HTMLInputElement || control instanceof HTMLSelectElement
  const hint = help === undefined ? null : h('p', { id: `${id}-help`, class: 'note' }, help)
  const fault = h('p', { id: `${id}-fault`, class: 'fault', role: 'alert', hidden: true })
  const described = [hint?.id, fault.id].filter((one) => one !== undefined).join(' ')
  control.setAttribute('aria-describedby', described)
  if (isOne) control.id = id
  else {
    control.setAttribute('role', 'group')
    control.setAttribute('aria-label', label)
  }
  const name = isOne ? h('label', { for: id }, label) : h('span', { class: 'field-name' }, label)
  const element = h('div', { class: 'field', 'data-key': key }, name, control, hint, fault)
  return {
    element,
    fault(text) {
      fault.textContent = text ?? ''
      fault.hidden = text === undefined
      if (text === undefined) control.removeAttribute('aria-invalid')
      else control.setAttribute('aria-invalid', 'true')
    },
  }
}

/** Several of a few words, each a button that is pressed or not. */
export function chips(words: readonly string[], chosen: readonly string[], changed: () => void) {
  const element = h('div', { class: 'chips' })
  const on = new Set(chosen)
  const add = (word: string) => {
    const button = h('button', { type: 'button', class: 'chip', 'aria-pressed': String(on.has(word)) }, word)
    button.addEventListener('click', () => {
      if (!on.delete(word)) on.add(word)
      button.setAttribute('aria-pressed', String(on.has(word)))
      changed()
    })
    element.append(button)
  }
  const known = new Set([...words, ...chosen])
  for (const word of known) add(word)
  return {
    element,
    /** In the order in which they stand. */
    values: () => [...known].filter((word) => on.has(word)),
    /** Adds words that were found out later. */
    offer(more: readonly string[]) {
      for (const word of more) {
        if (known.has(word)) continue
        known.add(word)
        add(word)
      }
    },
  }
}

/** A text that may be chosen from what there is, or typed. */
export function picker(key: string, value: string, hint: string) {
  const list = h('datalist', { id: `list-${key}` })
  const input = h('input', {
    type: 'text',
    class: 'input',
    list: list.id,
    value,
    placeholder: hint,
    autocomplete: 'off',
    spellcheck: 'false',
  })
  return {
    input,
    list,
    offer(options: readonly { value: string; label?: string }[]) {
      list.replaceChildren(...options.map(({ value, label }) => h('option', { value }, label ?? '')))
    },
  }
}
