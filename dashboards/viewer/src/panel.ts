import type { Panel, PanelType } from '@callsight/dashboards'
import { type Answer, ask, TokenNeeded } from './api.ts'
import { h, icon } from './dom.ts'
import { drawBarGauge } from './draw/bargauge.ts'
import type { Drawing, MakeDrawing, Page } from './draw/drawing.ts'
import { drawStat } from './draw/stat.ts'
import { drawTable } from './draw/table.ts'
import { drawTimeSeries } from './draw/timeseries.ts'
import { explain } from './hint.ts'
import { intervalOf } from './range.ts'

const drawings: Record<PanelType, MakeDrawing> = {
  timeseries: drawTimeSeries,
  stat: drawStat,
  table: drawTable,
  bargauge: drawBarGauge,
}

/** One panel of the board: its frame, its question and its picture. */
export class PanelView {
  readonly element: HTMLElement
  readonly #panel: Panel
  readonly #body: HTMLElement
  readonly #message = h('p', { class: 'message', hidden: true })
  readonly #drawing: Drawing | undefined
  #asking: AbortController | undefined

  constructor(panel: Panel) {
    this.#panel = panel
    const { x, y, w, h: height } = panel.gridPos
    const title = h('h2', { id: `panel-${panel.id}`, class: 'panel-title' }, panel.title)
    const info = h('button', { type: 'button', class: 'info', 'aria-label': `About ${panel.title}` }, icon(about))
    explain(info, panel.description)
    this.#body = h('div', { class: 'body' })
    this.element = h(
      'section',
      { class: `panel ${panel.type} waiting`, 'aria-labelledby': title.id, 'data-panel': panel.id },
      h('header', {}, title, info),
      this.#body,
      this.#message,
    )
    for (const [name, value] of Object.entries({ x: x + 1, y: y + 1, w, h: height })) {
      this.element.style.setProperty(`--${name}`, String(value))
    }
    const make = Object.hasOwn(drawings, panel.type) ? drawings[panel.type] : undefined
    this.#drawing = make?.(panel, this.#body)
    if (make === undefined) this.#say(`This viewer does not draw ${panel.type} panels: open the board in Grafana.`)
  }

  /**
   * Asks the panel's question and draws the answer; a newer question ends this one.
   *
   * @throws TokenNeeded for the page to ask for one; every other fault is shown in the panel
   * @returns whether an answer arrived
   */
  async refresh(page: Page): Promise<boolean> {
    if (this.#drawing === undefined) return true
    this.#asking?.abort()
    const asking = new AbortController()
    this.#asking = asking
    try {
      const { span, view } = page
      const answer = await ask(
        view.uid,
        {
          panel: this.#panel.id,
          refId: this.#panel.targets[0]!.refId,
          ...span,
          intervalMs: intervalOf(span, this.#panel.maxDataPoints),
          variables: view.variables,
        },
        asking.signal,
      )
      if (asking.signal.aborted) return true
      this.#show(answer, page)
      return true
    } catch (error) {
      if (asking.signal.aborted) return true
      if (error instanceof TokenNeeded) throw error
      this.element.classList.add('failed')
      this.#say(error instanceof Error ? error.message : String(error))
      return false
    } finally {
      this.element.classList.remove('waiting')
    }
  }

  #show(answer: Answer, page: Page): void {
    // The body must have its size before a chart is made in it.
    this.element.classList.remove('failed', 'empty')
    this.#message.hidden = true
    if (this.#drawing!.draw(answer, page)) return
    this.element.classList.add('empty')
    this.#say(this.#panel.fieldConfig.defaults.noValue)
  }

  #say(text: string): void {
    this.#message.textContent = text
    this.#message.title = text
    this.#message.hidden = false
  }

  recolor(): void {
    this.#drawing?.recolor?.()
  }

  destroy(): void {
    this.#asking?.abort()
    this.#drawing?.destroy?.()
    this.element.remove()
  }
}

const about = 'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM8 7v4.2M8 4.7v.1'
