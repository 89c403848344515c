import type { Board, QueryVariable } from '@callsight/dashboards'
import { type Boards, listBoards, loadBoard, loadOptions, TokenNeeded } from './api.ts'
import { rangePicker, refreshPicker, variablePicker } from './controls.ts'
import { h } from './dom.ts'
import type { Page } from './draw/drawing.ts'
import { limits } from './limits.ts'
import { LiveMark } from './live.ts'
import { PanelView } from './panel.ts'
import { type Range, spanOf, wider } from './range.ts'
import { themeButton } from './theme.ts'
import { askToken } from './token.ts'
import { urlOf, type View, viewOf } from './view.ts'
import { welcome } from './welcome.ts'

const seconds: Record<string, number> = { '5s': 5, '10s': 10, '30s': 30, '1m': 60 }

/** The page: one board at a time, drawn from its Grafana JSON; the URL says which, and all that was chosen. */
class App {
  readonly #nav = h('nav', { 'aria-label': 'Boards' })
  readonly #controls = h('div', { class: 'controls' })
  readonly #hint = h('div')
  readonly #grid = h('div', { class: 'grid' })
  readonly #live = new LiveMark()
  #boards: Boards = { boards: [], newest_call: null }
  #board: Board | undefined
  #view: View = viewOf(new URL(location.href), '')
  #panels: PanelView[] = []
  #timer: ReturnType<typeof setTimeout> | undefined
  #round = 0

  start(): void {
    document.body.prepend(
      h(
        'header',
        { class: 'bar' },
        h('a', { class: 'brand', href: '/' }, h('i', { 'aria-hidden': 'true' }), 'Callsight'),
        this.#nav,
        this.#controls,
        this.#live.element,
        themeButton(() => this.#panels.forEach((panel) => void panel.recolor())),
      ),
      h('main', {}, this.#hint, this.#grid),
    )
    addEventListener('popstate', () => void this.#open())
    document.addEventListener('click', (event) => this.#follow(event))
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden && this.#board !== undefined) void this.#refresh()
    })
    void this.#open()
  }

  /** Shows what the URL says. */
  async #open(): Promise<void> {
    clearTimeout(this.#timer)
    try {
      if (this.#boards.boards.length === 0) this.#boards = await listBoards()
      this.#view = viewOf(new URL(location.href), this.#boards.boards[0]?.uid ?? '')
      this.#point()
      if (this.#board?.uid !== this.#view.uid) {
        const board = await loadBoard(this.#view.uid)
        // The reader may have gone elsewhere meanwhile; then that is on its way.
        if (board.uid !== this.#view.uid) return
        this.#lay(board)
      }
    } catch (error) {
      if (error instanceof TokenNeeded) return askToken(error.message).then(() => this.#open())
      for (const panel of this.#panels.splice(0)) panel.destroy()
      this.#board = undefined
      this.#round++
      this.#live.done(false)
      this.#grid.replaceChildren(h('p', { class: 'fault', role: 'alert' }, (error as Error).message))
      this.#timer = setTimeout(() => void this.#open(), limits.retryMs)
      return
    }
    this.#dress()
    await this.#refresh()
  }

  /** Draws the way to the boards, with the range and values of the view. */
  #point(): void {
    this.#nav.replaceChildren(
      ...this.#boards.boards.map(({ uid, title }) =>
        h('a', { href: urlOf({ ...this.#view, uid }), 'aria-current': uid === this.#view.uid ? 'page' : null }, title),
      ),
      h('a', { href: '/alerts' }, 'Alerts'),
    )
  }

  #lay(board: Board): void {
    for (const panel of this.#panels) panel.destroy()
    this.#board = board
    this.#panels = board.panels.map((panel) => new PanelView(panel))
    this.#grid.replaceChildren(...this.#panels.map(({ element }) => element))
    document.title = `${board.title} · Callsight`
  }

  /** Draws the controls for the view. */
  #dress(): void {
    const board = this.#board!
    const view = this.#view
    const variables = board.templating.list.filter((variable): variable is QueryVariable => variable.type === 'query')
    this.#controls.replaceChildren(
      ...variables.map(({ name, label }) =>
        variablePicker(
          label,
          view.variables[name] ?? [],
          () => {
            const { from, to } = this.#span()
            return loadOptions(board.uid, name, from, to)
          },
          (values) => this.#go({ ...view, variables: { ...view.variables, [name]: values } }),
        ),
      ),
      rangePicker(this.#range(), (range) => this.#go({ ...view, range })),
      refreshPicker(
        board.timepicker.refresh_intervals,
        view.refresh ?? board.refresh,
        (refresh) => this.#go({ ...view, refresh }),
        () => void this.#refresh(),
      ),
    )
  }

  #go(view: View): void {
    history.pushState(null, '', urlOf(view))
    void this.#open()
  }

  #range(): Range {
    return this.#view.range ?? this.#board!.time
  }

  #span() {
    return spanOf(this.#range(), this.#board!.time, Date.now())
  }

  /** Asks all panels again for one and the same range, then waits for the next time. */
  async #refresh(): Promise<void> {
    clearTimeout(this.#timer)
    const round = ++this.#round
    this.#grid.setAttribute('aria-busy', 'true')
    const span = this.#span()
    const page: Page = {
      view: this.#view,
      span,
      zoom: ({ from, to }) => this.#go({ ...this.#view, range: { from: String(from), to: String(to) } }),
      widen: () => this.#go({ ...this.#view, range: wider(span, Date.now()) }),
    }
    try {
      const [done] = await Promise.all([Promise.all(this.#panels.map((panel) => panel.refresh(page))), this.#greet()])
      if (round !== this.#round) return
      this.#grid.setAttribute('aria-busy', 'false')
      this.#live.done(done.every((ok) => ok))
    } catch (error) {
      if (round !== this.#round) return
      if (error instanceof TokenNeeded) return askToken(error.message).then(() => this.#refresh())
      this.#live.done(false)
    }
    const wait = seconds[this.#view.refresh ?? this.#board?.refresh ?? '']
    if (wait === undefined || document.hidden) return
    this.#timer = setTimeout(() => void this.#refresh(), wait * 1000)
  }

  /** Until the first call has arrived, the first board says how to send one. */
  async #greet(): Promise<void> {
    if (this.#boards.newest_call === null) this.#boards = await listBoards()
    const wanted = this.#boards.newest_call === null && this.#board?.uid === this.#boards.boards[0]?.uid
    if (wanted !== this.#hint.hasChildNodes()) this.#hint.replaceChildren(...(wanted ? [welcome()] : []))
  }

  /** A link to a board is followed without loading the page anew. */
  #follow(event: MouseEvent): void {
    const link = (event.target as Element).closest?.('a')
    if (link === null || link === undefined || link.origin !== location.origin || link.target !== '') return
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    if (link.pathname !== '/' && !link.pathname.startsWith('/d/')) return
    event.preventDefault()
    history.pushState(null, '', link.href)
    void this.#open()
  }
}

new App().start()
