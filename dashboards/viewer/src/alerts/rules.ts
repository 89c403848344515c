import { api } from '../api.ts'
import { dropDown, h } from '../dom.ts'
import { Preview } from './preview.ts'
import { refusal } from './refusal.ts'
import { badge, labelList, refill, type Section, titled } from './section.ts'
import { lasting } from './time.ts'

interface Listed {
  name: string
  source: 'file' | 'api'
  when: string
  over_ms: number
  for_ms: number
  direction: string
  group_by: string[]
  severity: string
  notify: string[]
  state: string
  firing: number
  pending: number
  service: string | null
  operation: string | null
  consumer: string | null
  env: string | null
  plan: string | null
  style: string | null
  peer: string | null
  objective: string | null
  quota: string | null
}

const abouts = ['service', 'operation', 'consumer', 'env', 'plan', 'style', 'peer', 'objective', 'quota'] as const
const unplayed = /^(burn_rate|quota_)/

/** Every rule, with its state, a way to replay it, and to remove it where it was not written into the file. */
export function rulesSection(create: HTMLElement, changed: () => void): Section {
  const list = h('ul', { class: 'card rows rules' })
  const place = h('div', {})
  let preview: Preview | undefined
  const replay = (name: string) => {
    preview?.end()
    preview = new Preview(`${name} over the past`)
    place.replaceChildren(preview.element)
    preview.element.scrollIntoView({ block: 'nearest' })
    void preview.show(name)
  }
  const refresh = async () => {
    const { rules } = await api<{ rules: Listed[] }>('/alerts/rules')
    refill(list, rules, () =>
      rules.length === 0
        ? [h('li', { class: 'note' }, 'No rules yet.')]
        : rules.map((rule) => item(rule, () => replay(rule.name), changed)),
    )
  }
  return {
    element: h('section', { 'aria-label': 'Rules' }, titled('Rules', create), list, place),
    refresh,
    recolor: () => preview?.recolor(),
  }
}

function item(rule: Listed, replay: () => void, changed: () => void): HTMLElement {
  const { name, source, when, severity, notify, state, firing } = rule
  const again = h('button', { type: 'button', class: 'control small', 'aria-label': `Replay ${name}` }, 'Replay')
  again.addEventListener('click', replay)
  return h(
    'li',
    { 'data-rule': name },
    badge(state, firing > 1 ? `${firing} ${state}` : state),
    h(
      'div',
      { class: 'what' },
      h('p', {}, h('strong', {}, name), ' ', h('code', {}, when), ' ', h('span', { class: 'note' }, lastingText(rule))),
      labelList(aboutOf(rule)),
    ),
    h(
      'p',
      { class: 'note' },
      [severity, notify.length === 0 ? 'tells nobody' : `tells ${notify.join(', ')}`].join(' · '),
    ),
    h(
      'div',
      { class: 'acts' },
      unplayed.test(when) ? null : again,
      source === 'file'
        ? h('span', { class: 'tag muted', title: 'Change it in callsight.yaml' }, 'in the file')
        : removeButton(name, changed),
    ),
  )
}

function lastingText({ over_ms, for_ms, when, group_by }: Listed): string {
  const parts = [when.startsWith('silence') || when.startsWith('quota') ? '' : `over ${lasting(over_ms)}`]
  if (for_ms > 0) parts.push(`for ${lasting(for_ms)}`)
  if (group_by.length > 0) parts.push(`for each ${group_by.join(', ')}`)
  return parts.filter((part) => part !== '').join(', ')
}

function aboutOf(rule: Listed): Record<string, string> {
  const given = abouts.flatMap((name) => (rule[name] === null ? [] : [[name, rule[name]]]))
  return { ...(rule.direction === 'out' ? { calls: 'made' } : {}), ...Object.fromEntries(given) }
}

function removeButton(name: string, changed: () => void): HTMLElement {
  const button = h('button', { type: 'button', class: 'control small', 'aria-label': `Remove ${name}` }, 'Remove')
  const sure = h('button', { type: 'button', class: 'primary danger' }, `Remove ${name}`)
  const place = h('div', {})
  const content = h(
    'div',
    { class: 'popover sure', 'aria-label': `Remove ${name}` },
    h('p', {}, 'Its firing alerts are resolved, and those who were told are told that.'),
    place,
    sure,
  )
  const remove = async () => {
    place.replaceChildren()
    try {
      await api(`/alerts/rules/${encodeURIComponent(name)}`, { method: 'DELETE' })
      content.hidePopover()
      changed()
    } catch (error) {
      place.replaceChildren(refusal(error, () => void remove()))
    }
  }
  sure.addEventListener('click', () => void remove())
  return dropDown(button, content)
}
