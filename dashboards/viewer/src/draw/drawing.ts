import type { Panel } from '@callsight/dashboards'
import type { Answer } from '../api.ts'
import type { Span } from '../range.ts'
import type { View } from '../view.ts'

/** What a panel's picture needs of the page around it. */
export interface Page {
  view: View
  span: Span
  /** Times that a chart shades. */
  marked?: readonly Span[]
  /** Shows another time range. */
  zoom(span: Span): void
  /** Shows a range twice as long. */
  widen(): void
}

/** A picture of one panel in its body; it is kept and fed with new answers. */
export interface Drawing {
  /** @returns false when there is nothing to draw */
  draw(answer: Answer, page: Page): boolean
  /** Colours changed. */
  recolor?(): void
  destroy?(): void
}

export type MakeDrawing = (panel: Panel, body: HTMLElement) => Drawing
