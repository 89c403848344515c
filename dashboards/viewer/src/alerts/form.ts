import { api, Refused, send, TokenNeeded } from '../api.ts'
import { h } from '../dom.ts'
import { askToken } from '../token.ts'
import { copyBox } from './copy.ts'
import { type Draft, queryOf, type Rule, ruleOf } from './draft.ts'
import { inputsOf } from './inputs.ts'
import { offersOf } from './offers.ts'
import { Preview } from './preview.ts'
import { refusal } from './refusal.ts'
import { commandOf, yamlOf } from './written.ts'

/** Typing has stopped. */
const pauseMs = 400

interface Told {
  saved(name: string): void
  closed(): void
}

/** A rule as it is written: its fields, what it would have done, and the same rule in the other two ways. */
export function ruleForm(draft: Draft, told: Told) {
  let timer: ReturnType<typeof setTimeout> | undefined
  const inputs = inputsOf(draft, () => changed())
  const { fields } = inputs
  const at = (...keys: string[]) => keys.map((key) => fields.get(key)!.element)
  const general = h('div', { class: 'general' })
  const preview = new Preview('What it would have done', (error) => {
    general.replaceChildren()
    return placed(error).join('; ') || 'Shown once what is marked is put right.'
  })
  const yaml = copyBox('The same in callsight.yaml', 'yaml')
  const command = copyBox('The same on the command line', 'command')
  const more = h(
    'details',
    {},
    h('summary', {}, 'More'),
    row(...at('env', 'recover', 'points', 'confidence', 'no_data')),
  )
  const save = h('button', { type: 'submit', class: 'primary' }, 'Save rule')
  const close = h('button', { type: 'button', class: 'control' }, 'Close')
  const form = h(
    'form',
    { class: 'card rule-form', 'aria-label': 'New alert rule', novalidate: true },
    ...at('when'),
    row(...at('objective', 'quota', 'direction', 'service', 'operation', 'consumer', 'peer')),
    row(...at('over', 'for', 'keep_firing_for', 'min_calls')),
    ...at('group_by'),
    more,
    h('div', { class: 'row named' }, ...at('severity', 'name')),
    ...at('notify'),
    general,
    h('div', { class: 'actions' }, save, close),
  )
  const element = h(
    'section',
    { class: 'composer', 'aria-labelledby': 'composer-title' },
    h('h2', { id: 'composer-title' }, 'New rule'),
    h('div', { class: 'columns' }, form, h('div', { class: 'beside' }, preview.element, yaml.element, command.element)),
  )

  /** Puts each fault where its key is. @returns what has no place */
  const placed = (error: unknown): string[] => {
    const lines = error instanceof Refused && error.status !== 403 ? error.message.split('\n') : []
    const found = new Map<string, string[]>()
    for (const line of lines) {
      const [, key = '', words = line] = /^([a-z_]+)(?:[[.][^:]*)?: (.*)$/s.exec(line) ?? []
      // A key that the metric does not take has no field to be seen at.
      const place = fields.get(key)?.element.hidden === false ? key : fields.has(key) ? 'when' : placeOf(line)
      found.set(place, [...(found.get(place) ?? []), words])
    }
    for (const [key, field] of fields) {
      const words = found.get(key)
      field.fault(words === undefined ? undefined : words.map((text) => `${text}.`).join(' '))
      if (words !== undefined && more.contains(field.element)) more.open = true
    }
    return found.get('') ?? (error === undefined || lines.length > 0 ? [] : [(error as Error).message])
  }

  const rule = (): Rule => ruleOf(inputs.read())
  const show = () => {
    const written = rule()
    inputs.suggest(written.name)
    yaml.show(yamlOf(written))
    command.show(commandOf(written, location.origin))
    history.replaceState(null, '', `/alerts?${queryOf(inputs.read())}`)
    return written
  }
  const changed = () => {
    inputs.suit()
    const written = show()
    clearTimeout(timer)
    timer = setTimeout(() => void preview.show(written), pauseMs)
  }
  const offer = async () => {
    const { direction = '', service = '' } = inputs.read().texts
    inputs.offer(await offersOf(direction, service))
  }
  const store = async () => {
    save.disabled = true
    try {
      const { name } = await api<{ name: string }>('/alerts/rules', send('POST', rule()))
      told.saved(name)
    } catch (error) {
      if (error instanceof TokenNeeded) return void askToken(error.message, 'admin').then(store)
      const rest = placed(error)
      general.replaceChildren(...(rest.length > 0 ? [refusal(error, () => void store())] : []))
      form.querySelector<HTMLElement>('[aria-invalid]')?.focus()
    } finally {
      save.disabled = false
    }
  }
  form.addEventListener('input', changed)
  form.addEventListener('change', (event) => {
    const key = (event.target as HTMLElement).closest<HTMLElement>('[data-key]')?.dataset.key
    if (key === 'service' || key === 'direction') void offer()
  })
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void store()
  })
  close.addEventListener('click', told.closed)
  return {
    element,
    recolor: () => preview.recolor(),
    /** Once it is in the page. */
    open() {
      void offer()
      void preview.show(show())
      inputs.metric.focus({ preventScroll: true })
    },
    end() {
      clearTimeout(timer)
      preview.end()
    },
  }
}

/** Where a refusal belongs that does not begin with a key. */
function placeOf(line: string): string {
  if (line.startsWith('there is already an alert rule')) return 'name'
  if (line.startsWith('a window of')) return 'over'
  return ''
}

function row(...fields: HTMLElement[]): HTMLElement {
  return h('div', { class: 'row' }, ...fields)
}
