import { api, send } from '../api.ts'
import { dropDown, h } from '../dom.ts'
import { refusal } from './refusal.ts'
import { refill, type Section, titled } from './section.ts'
import { when } from './time.ts'

export interface Silence {
  id: string
  state: 'pending' | 'active' | 'expired'
  matchers: string[]
  starts_at: string
  ends_at: string
  author: string
  comment: string
  alerts_held: number
}

const spans = [
  ['1h', '1 hour'],
  ['4h', '4 hours'],
  ['1d', '1 day'],
] as const

/** A button that silences one alert for a while, with a reason. */
export function silenceButton(
  { rule, labels }: { rule: string; labels: Readonly<Record<string, string>> },
  done: () => void,
): HTMLElement {
  const about = Object.values(labels).filter((value) => value !== '')
  const name = [rule, ...about].join(' ')
  const button = h('button', { type: 'button', class: 'control small', 'aria-label': `Silence ${name}` }, 'Silence')
  const comment = h('input', { type: 'text', class: 'input', required: true, maxlength: 1000, autocomplete: 'off' })
  const choices = spans.map(([value, label], i) =>
    h('label', { class: 'radio' }, h('input', { type: 'radio', name: 'for', value, checked: i === 0 }), label),
  )
  const place = h('div', {})
  const form = h(
    'form',
    { class: 'silence' },
    h('fieldset', {}, h('legend', {}, 'Tell nobody for'), ...choices),
    h('label', { class: 'field' }, 'Why', comment),
    place,
    h('button', { type: 'submit', class: 'primary' }, 'Silence'),
    h('p', { class: 'note' }, 'It is judged and recorded as ever.'),
  )
  const content = h('div', { class: 'popover', 'aria-label': `Silence ${name}` }, form)
  const matchers = Object.entries({ alertname: rule, ...labels }).map(([label, value]) => `${label}=${quoted(value)}`)
  const silence = async () => {
    place.replaceChildren()
    const span = new FormData(form).get('for')
    try {
      await api('/silences', send('POST', { matchers, for: span, comment: comment.value, author: 'viewer' }))
      content.hidePopover()
      done()
    } catch (error) {
      place.replaceChildren(refusal(error, () => void silence()))
    }
  }
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void silence()
  })
  return dropDown(button, content)
}

/** As a matcher has it. */
function quoted(value: string): string {
  return `"${value.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`
}

/** What nobody is told of, and until when; the section is there only while there is such. */
export function silencesSection(): Section {
  const list = h('ul', { class: 'card rows' })
  const element = h('section', { hidden: true, 'aria-label': 'Silences' }, titled('Silences'), list)
  const refresh = async () => {
    const { silences } = await api<{ silences: Silence[] }>('/silences')
    const lasting = silences.filter(({ state }) => state !== 'expired')
    element.hidden = lasting.length === 0
    refill(list, lasting, () => lasting.map((silence) => item(silence, () => void refresh())))
  }
  return { element, refresh }
}

function item({ id, state, matchers, starts_at, ends_at, author, comment, alerts_held }: Silence, done: () => void) {
  const end = h('button', { type: 'button', class: 'control small', 'aria-label': `End ${matchers.join(' ')}` }, 'End')
  const place = h('div', {})
  const expire = async () => {
    place.replaceChildren()
    try {
      await api(`/silences/${encodeURIComponent(id)}`, { method: 'DELETE' })
      done()
    } catch (error) {
      place.replaceChildren(refusal(error, () => void expire()))
    }
  }
  end.addEventListener('click', () => void expire())
  const span = state === 'active' ? `until ${when(ends_at)}` : `${when(starts_at)} – ${when(ends_at)}`
  return h(
    'li',
    {},
    h('div', { class: 'spread' }, h('strong', {}, span), end),
    h('p', {}, ...matchers.flatMap((one) => [h('code', {}, one), ' '])),
    h(
      'p',
      { class: 'note' },
      [comment, author, `${alerts_held} alerts held back`].filter((word) => word !== '').join(' · '),
    ),
    place,
  )
}
