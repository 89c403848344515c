import { listBoards, TokenNeeded } from '../api.ts'
import { h } from '../dom.ts'
import { LiveMark } from '../live.ts'
import { themeButton } from '../theme.ts'
import { askToken } from '../token.ts'
import { type Draft, draftOf, emptyDraft } from './draft.ts'
import { firingSection } from './firing.ts'
import { ruleForm } from './form.ts'
import { historySection } from './history.ts'
import { rulesSection } from './rules.ts'
import type { Section } from './section.ts'
import { silencesSection } from './silences.ts'

const refreshMs = 10_000

/** What fires, what is watched, what happened, and a form for more. */
class AlertsPage {
  readonly #nav = h('nav', { 'aria-label': 'Boards' })
  readonly #live = new LiveMark()
  readonly #composer = h('div', {})
  readonly #said = h('p', { class: 'unseen', role: 'status' })
  readonly #create = h('button', { type: 'button', class: 'primary' }, 'New rule')
  readonly #sections: readonly Section[]
  #form: ReturnType<typeof ruleForm> | undefined

  constructor() {
    const all = () => void this.#refresh()
    const [firing, rules, silences, history] = [
      firingSection(all),
      rulesSection(this.#create, all),
      silencesSection(),
      historySection(),
    ]
    this.#sections = [firing, rules, silences, history]
    this.#create.addEventListener('click', () => this.#open(emptyDraft))
  }

  async start(): Promise<void> {
    const theme = themeButton(() => {
      for (const section of this.#sections) section.recolor?.()
      this.#form?.recolor()
    })
    const [firing, ...rest] = this.#sections.map(({ element }) => element)
    document.body.prepend(
      h(
        'header',
        { class: 'bar' },
        h('a', { class: 'brand', href: '/' }, h('i', { 'aria-hidden': 'true' }), 'Callsight'),
        this.#nav,
        this.#live.element,
        theme,
      ),
      h('main', { class: 'page' }, h('h1', { class: 'unseen' }, 'Alerts'), this.#said, firing, this.#composer, ...rest),
    )
    this.#point([])
    await this.#refresh()
    const draft = draftOf(new URL(location.href).searchParams)
    if (draft !== undefined) this.#open(draft)
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) void this.#refresh()
    })
    setInterval(() => {
      if (!document.hidden) void this.#refresh()
    }, refreshMs)
  }

  #point(boards: readonly { uid: string; title: string }[]): void {
    this.#nav.replaceChildren(
      ...boards.map(({ uid, title }) => h('a', { href: `/d/${encodeURIComponent(uid)}` }, title)),
      h('a', { href: '/alerts', 'aria-current': 'page' }, 'Alerts'),
    )
  }

  #open(draft: Draft): void {
    this.#close()
    this.#form = ruleForm(draft, {
      closed: () => {
        this.#close()
        this.#create.focus()
      },
      saved: (name) => {
        this.#close()
        this.#said.textContent = `Saved ${name}`
        void this.#refresh().then(() => {
          const saved = document.querySelector(`[data-rule="${CSS.escape(name)}"]`)
          saved?.classList.add('fresh')
          saved?.scrollIntoView({ block: 'nearest' })
        })
      },
    })
    this.#composer.replaceChildren(this.#form.element)
    this.#create.disabled = true
    this.#form.open()
    this.#form.element.scrollIntoView({ block: 'start' })
  }

  #close(): void {
    this.#form?.end()
    this.#form = undefined
    this.#composer.replaceChildren()
    this.#create.disabled = false
    history.replaceState(null, '', '/alerts')
  }

  /** A section that fails says so in its place; the others go on. */
  async #refresh(): Promise<void> {
    let needed: TokenNeeded | undefined
    const done = await Promise.all(
      this.#sections.map(async ({ element, refresh }) => {
        const before = element.querySelector(':scope > .late')
        try {
          await refresh()
          before?.remove()
          return true
        } catch (error) {
          if (error instanceof TokenNeeded) needed = error
          else if (before === null) {
            element.hidden = false
            element.append(
              h('p', { class: 'fault late', role: 'alert' }, `Not up to date: ${(error as Error).message}.`),
            )
          }
          return false
        }
      }),
    )
    if (needed !== undefined) return askToken(needed.message).then(() => this.#refresh())
    if (this.#nav.childElementCount < 2)
      await listBoards().then(
        ({ boards }) => this.#point(boards),
        () => undefined,
      )
    this.#live.done(done.every((ok) => ok))
  }
}

void new AlertsPage().start()
