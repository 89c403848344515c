import { TokenNeeded } from '../api.ts'
import { h } from '../dom.ts'
import { askToken } from '../token.ts'
import { boardLink, callsButton } from './calls.ts'
import { chartOf } from './chart.ts'
import type { Rule } from './draft.ts'
import { type Firing, type Replayed, replay } from './replay.ts'
import { between, lasting } from './time.ts'

const spans = [
  { label: '24 hours', ms: 86_400_000 },
  { label: '7 days', ms: 7 * 86_400_000 },
]
const listed = 20

/** Replays a rule over the stored past and shows how it would have gone. */
export class Preview {
  readonly element: HTMLElement
  readonly #progress = h('progress', { max: 1, value: 0, 'aria-label': 'Replaying' })
  readonly #headline = h('p', { class: 'headline', role: 'status' })
  readonly #place = h('div', { class: 'replayed' })
  readonly #refused: (error: unknown) => string
  #rule: Rule | string | undefined
  #spanMs = spans[0]!.ms
  #stop: AbortController | undefined
  #chart: ReturnType<typeof chartOf> | undefined

  /** @param refused is told what is wrong, undefined when nothing is, and gives what is said here in place of a chart */
  constructor(
    title: string,
    refused: (error: unknown) => string = (error) => (error as Error | undefined)?.message ?? '',
  ) {
    this.#refused = refused
    const choices = spans.map(({ label, ms }) => {
      const button = h(
        'button',
        { type: 'button', class: 'choice', 'aria-pressed': String(ms === this.#spanMs) },
        label,
      )
      button.addEventListener('click', () => {
        this.#spanMs = ms
        for (const other of choices) other.setAttribute('aria-pressed', String(other === button))
        if (this.#rule !== undefined) void this.show(this.#rule)
      })
      return button
    })
    const choose = h('div', { class: 'choices', role: 'group', 'aria-label': 'How far back' }, ...choices)
    this.element = h(
      'article',
      { class: 'card preview', 'aria-label': title },
      h('div', { class: 'spread' }, h('h3', {}, title), choose),
      this.#headline,
      this.#progress,
      this.#place,
    )
    this.#progress.hidden = true
  }

  /** Replays a rule; a newer one ends this. */
  async show(rule: Rule | string): Promise<void> {
    this.#rule = rule
    this.#stop?.abort()
    const stop = new AbortController()
    this.#stop = stop
    this.element.setAttribute('aria-busy', 'true')
    this.#progress.value = 0
    this.#progress.hidden = false
    try {
      const replayed = await replay(rule, this.#spanMs, (share) => this.#tell(stop, share), stop.signal)
      if (stop.signal.aborted) return
      this.#refused(undefined)
      this.#draw(replayed)
    } catch (error) {
      if (stop.signal.aborted) return
      if (error instanceof TokenNeeded) return void askToken(error.message).then(() => this.show(rule))
      this.clear()
      this.#place.replaceChildren(h('p', { class: 'note' }, this.#refused(error)))
    } finally {
      if (this.#stop === stop) {
        this.#progress.hidden = true
        this.element.setAttribute('aria-busy', 'false')
      }
    }
  }

  /** Ends what is under way. */
  end(): void {
    this.#stop?.abort()
    this.clear()
  }

  clear(): void {
    this.#chart?.destroy()
    this.#chart = undefined
    this.#say('')
    this.element.classList.remove('fires')
    this.#place.replaceChildren()
  }

  recolor(): void {
    this.#chart?.recolor()
  }

  #tell(stop: AbortController, share: number): void {
    if (!stop.signal.aborted) this.#progress.value = share
  }

  #say(text: string): void {
    this.#headline.textContent = text
  }

  #draw(replayed: Replayed): void {
    const { fired, firing_ms, firings, step_ms, series } = replayed
    this.clear()
    const times = fired === 1 ? 'once' : `${fired} times`
    this.#say(fired === 0 ? 'Would not have fired' : `Would have fired ${times}, ${lasting(firing_ms)} in all`)
    this.element.classList.toggle('fires', fired > 0)
    this.#chart = chartOf(replayed)
    const known = series.some(({ value }) => value !== null)
    const sets = Math.max(0, ...series.map(({ sets }) => sets))
    const about = `Looked at every ${lasting(step_ms)}.${sets > 1 ? ` The line is the worst of up to ${sets} groups.` : ''}`
    const newest = firings.toReversed()
    const list = newest.slice(0, listed).map((firing) => firingItem(firing, Date.parse(replayed.to)))
    const more = firings.length - list.length
    this.#place.append(
      known ? this.#chart.element : h('p', { class: 'note' }, 'No such calls in this time.'),
      ...(known ? [h('p', { class: 'note' }, about)] : []),
      h('ol', { class: 'firings', 'aria-label': 'When it would have fired' }, ...list),
      ...(more > 0 ? [h('p', { class: 'note' }, `and ${more} more before`)] : []),
    )
    if (known) this.#chart.draw()
  }
}

function firingItem({ labels, since, fired, resolved, summary, calls_url }: Firing, toMs: number): HTMLElement {
  const { button, place } = callsButton(calls_url)
  const endMs = resolved === null ? toMs : Date.parse(resolved)
  const minute = 60_000
  return h(
    'li',
    {},
    h(
      'div',
      { class: 'spread' },
      h('time', { datetime: fired }, between(fired, resolved)),
      h(
        'span',
        { class: 'links' },
        h('span', { class: 'note' }, lasting(endMs - Date.parse(fired))),
        button,
        boardLink(labels, Date.parse(since) - 30 * minute, endMs + 10 * minute),
      ),
    ),
    h('p', {}, summary),
    place,
  )
}
