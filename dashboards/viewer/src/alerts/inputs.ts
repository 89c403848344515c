import { h } from '../dom.ts'
import { type Draft, type TextKey, textKeys } from './draft.ts'
import { chips, type Field, field, picker } from './field.ts'
import { groups, kinds, metricOf, takes } from './metric.ts'
import type { Offers } from './offers.ts'

const labels = 'service operation consumer plan env version method route status error_code style peer'.split(' ')

interface Text {
  readonly label: string
  readonly hint: string
  readonly help?: string
  readonly picked?: boolean
  readonly words?: readonly (readonly [value: string, label: string])[]
}

const texts: Readonly<Record<TextKey, Text>> = {
  objective: { label: 'Objective', hint: 'which one', picked: true },
  quota: { label: 'Quota', hint: 'every one', picked: true },
  direction: {
    label: 'Calls',
    hint: '',
    words: [
      ['', 'received'],
      ['out', 'made'],
    ],
  },
  peer: { label: 'To host', hint: 'any' },
  service: { label: 'Service', hint: 'all', picked: true },
  operation: { label: 'Operation', hint: 'all', help: '* stands for any text', picked: true },
  consumer: { label: 'Consumer', hint: 'all', picked: true },
  env: { label: 'Environment', hint: 'all', picked: true },
  over: { label: 'Over', hint: '5m', help: 'The window that is judged.' },
  for: { label: 'For', hint: '0s', help: 'How long it must hold.' },
  keep_firing_for: { label: 'Keep firing for', hint: '0s', help: 'How long it outlives its cause.' },
  min_calls: { label: 'Least calls', hint: '10', help: 'With fewer nothing begins.' },
  recover: { label: 'Over again at', hint: 'the threshold', help: 'In the unit of the threshold.' },
  points: { label: 'Points', hint: '1 of 1', help: 'Hold in so many of the last windows: 3 of 5.' },
  confidence: { label: 'Confidence', hint: '99.9%', help: 'How sure the calls must make it, or none.' },
  no_data: {
    label: 'Without calls',
    hint: '',
    words: [
      ['', 'it is over'],
      ['keep', 'it goes on'],
      ['alert', 'that is an alert'],
    ],
  },
  severity: { label: 'Severity', hint: 'warning', picked: true },
}

const comparisons = ['>', '>=', '<', '<=']

/** The controls of the form, and what stands in them. */
export function inputsOf(draft: Draft, changed: () => void) {
  const metric = h(
    'select',
    { class: 'input', 'aria-label': 'Metric' },
    ...groups.map(({ label, metrics }) =>
      h(
        'optgroup',
        { label },
        ...metrics.map(({ name, label }) =>
          h('option', { value: name, selected: name === draft.metric }, `${name} – ${label}`),
        ),
      ),
    ),
  )
  const comparison = h(
    'select',
    { class: 'input', 'aria-label': 'Comparison' },
    ...comparisons.map((one) => h('option', { value: one, selected: one === draft.comparison }, one)),
  )
  const threshold = h('input', {
    type: 'text',
    class: 'input',
    'aria-label': 'Threshold',
    value: draft.threshold,
    autocomplete: 'off',
    spellcheck: 'false',
  })
  const help = h('span', {})
  const when = field('when', 'When', h('div', { class: 'condition' }, metric, comparison, threshold), help)
  const name = h('input', { type: 'text', class: 'input', value: draft.name, autocomplete: 'off', spellcheck: 'false' })
  const url = h('input', {
    type: 'url',
    class: 'input',
    'aria-label': 'A URL to post to',
    placeholder: 'https://… (a webhook)',
    value: draft.notify.find((one) => one.includes('://')) ?? '',
    autocomplete: 'off',
  })
  const channels = chips(
    [],
    draft.notify.filter((one) => !one.includes('://')),
    changed,
  )
  const split = chips(labels, draft.groupBy, changed)
  const pickers = new Map<TextKey, ReturnType<typeof picker>>()
  const controls = new Map<TextKey, HTMLInputElement | HTMLSelectElement>()
  const fields = new Map<string, Field>([
    ['when', when],
    ['name', field('name', 'Name', name)],
    ['group_by', field('group_by', 'One alert for each', split.element)],
    ['notify', field('notify', 'Tell', h('div', {}, channels.element, url))],
  ])
  for (const key of textKeys) {
    const { label, hint, help, picked, words } = texts[key]
    const value = draft.texts[key] ?? ''
    let control: HTMLInputElement | HTMLSelectElement
    if (words !== undefined) {
      const options = words.map(([one, text]) => h('option', { value: one, selected: one === value }, text))
      control = h('select', { class: 'input' }, ...options)
    } else {
      const made = picker(key, value, hint)
      control = made.input
      if (picked) pickers.set(key, made)
      else control.removeAttribute('list')
    }
    controls.set(key, control)
    const made = field(key, label, control, help)
    if (picked) made.element.append(pickers.get(key)!.list)
    fields.set(key, made)
  }
  pickers.get('severity')!.offer(['page', 'ticket', 'warning', 'info'].map((value) => ({ value })))

  /** Shows what the metric takes, and how its threshold is written. */
  const suit = () => {
    const about = metricOf(metric.value)
    const limit = threshold.value.trim()
    help.textContent = kinds[about.kind].help
    threshold.placeholder = kinds[about.kind].usual
    for (const [key, { element }] of fields) {
      const without = key === 'peer' && controls.get('direction')!.value !== 'out'
      element.hidden = without || (key !== 'when' && !takes(about, key, limit))
    }
    for (const option of comparison.options) {
      option.disabled =
        about.kind === 'score'
          ? option.value !== '>'
          : (about.kind === 'quiet' || about.kind === 'factor') && option.value.startsWith('<')
      if (option.disabled && option.selected) comparison.value = '>'
    }
  }
  let before = metricOf(metric.value)
  metric.addEventListener('input', () => {
    const now = metricOf(metric.value)
    // A threshold in another unit would be refused; one in the same may be meant.
    if (now.kind !== before.kind) threshold.value = kinds[now.kind].usual
    before = now
  })
  suit()
  return {
    fields,
    metric,
    suit,
    read: (): Draft => ({
      name: name.value,
      metric: metric.value,
      comparison: comparison.value,
      threshold: threshold.value,
      texts: Object.fromEntries([...controls].map(([key, control]) => [key, control.value])),
      groupBy: split.values(),
      notify: [...channels.values(), ...(url.value.trim() === '' ? [] : [url.value.trim()])],
    }),
    /** What a rule is called while it has no name. */
    suggest: (text: string) => {
      name.placeholder = text
    },
    offer: (offers: Offers) => {
      for (const [key, made] of pickers) if (key in offers) made.offer(offers[key as 'service'])
      channels.offer(offers.notify)
    },
  }
}
