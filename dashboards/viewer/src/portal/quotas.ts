import { h } from '../dom.ts'
import { fromNow } from '../format.ts'
import { ask } from './ask.ts'
import type { Me, Section } from './main.ts'

interface Usage {
  month: { start: string; end: string; calls: number }
  quotas: Quota[]
}

interface Quota {
  quota: string
  per: string
  period_end: string
  used: number
  allowed: number
  used_ratio: number
  state: 'ok' | 'near' | 'over'
  forecast?: Forecast | null
}

interface Forecast {
  end: { low: number; middle: number; high: number }
  exhausted_at: { low: string | null; middle: string | null; high: string | null } | null
}

/** What was used of each quota, and what will be. */
export function quotasSection(me: Me): Section {
  const cards = h('div', { class: 'cards' })
  const element = h('section', {}, h('h2', {}, 'Quotas'), cards)
  return {
    element,
    async refresh() {
      const usage = await ask<Usage>(`consumers/${encodeURIComponent(me.id)}/usage`)
      const quotas = usage?.quotas ?? []
      cards.replaceChildren(...(quotas.length > 0 ? quotas.map(card) : [plain(usage?.month.calls ?? 0)]))
    },
  }
}

/** Without a quota the month's calls are worth a card. */
function plain(calls: number): HTMLElement {
  return h(
    'article',
    { class: 'card quota' },
    h('h3', {}, 'Calls this month'),
    h('p', { class: 'figure' }, whole(calls)),
    h('p', { class: 'note' }, 'Your plan has no limit.'),
  )
}

function card({ quota, per, period_end, used, allowed, used_ratio, state, forecast }: Quota): HTMLElement {
  const share = `${(used_ratio * 100).toFixed(used_ratio < 0.1 ? 1 : 0)}%`
  const bar = h('div', { class: `meter ${state}`, role: 'img', 'aria-label': `${share} used` }, h('i', {}))
  bar.style.setProperty('--share', String(Math.min(1, used_ratio)))
  return h(
    'article',
    { class: 'card quota' },
    h('h3', {}, quota, h('span', { class: 'note' }, ` per ${per === '1m' ? 'minute' : per}`)),
    h('p', { class: 'figure' }, whole(used), h('small', {}, ` of ${whole(allowed)}`)),
    bar,
    h(
      'p',
      { class: 'note spread' },
      h('span', {}, `${share} used`),
      h('span', { title: local(period_end) }, `starts anew ${fromNow(Date.parse(period_end), Date.now())}`),
    ),
    forecast === null || forecast === undefined ? null : outlook(forecast, allowed),
  )
}

function outlook({ end, exhausted_at }: Forecast, allowed: number): HTMLElement {
  const at = exhausted_at?.middle ?? null
  if (at !== null) {
    return h(
      'p',
      { class: 'outlook over' },
      `At this pace it is used up ${fromNow(Date.parse(at), Date.now())} (${local(at)}).`,
    )
  }
  const share = Math.round((end.middle / allowed) * 100)
  return h(
    'p',
    { class: 'outlook' },
    `At this pace ${whole(Math.round(end.middle))} at the end of the period, ${share}%.`,
  )
}

export function whole(count: number): string {
  return count.toLocaleString()
}

/** A moment in the reader's time zone. */
export function local(time: string): string {
  return new Date(time).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })
}
