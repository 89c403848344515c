/** Every bound of the viewer, with its reason. */
export const limits = {
  /** Decimals of a number on a board, unless its panel says otherwise: three digits are read at a glance. */
  digits: 3,
  /** Rows of a chart's tooltip; more would cover the chart. */
  tooltipRows: 12,
  /** Shortest range that dragging on a chart selects: less is a click that slipped. */
  zoomMs: 5000,
  /** Longest wait for an answer before a panel says so; the collector itself gives up at 15 s. */
  answerMs: 30_000,
  /** Pause before a board that could not be loaded is asked for again. */
  retryMs: 5000,
} as const
