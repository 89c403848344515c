import { boards } from '@callsight/dashboards'

/*
 * What the viewer asks: every panel of every board. The width of a bucket is chosen as the viewer chooses it (dashboards/viewer/src/range.ts).
 */

const steps = [
  [1500, 1000],
  [3500, 2000],
  [7500, 5000],
  [12_500, 10_000],
  [17_500, 15_000],
  [25_000, 20_000],
  [45_000, 30_000],
  [90_000, 60_000],
  [210_000, 120_000],
  [450_000, 300_000],
  [750_000, 600_000],
  [1_050_000, 900_000],
  [1_500_000, 1_200_000],
  [2_700_000, 1_800_000],
  [5_400_000, 3_600_000],
  [9_000_000, 7_200_000],
  [16_200_000, 10_800_000],
  [32_400_000, 21_600_000],
  [86_400_000, 43_200_000],
]

function intervalOf(span, points) {
  return steps.find(([below]) => span / points < below)?.[1] ?? 86_400_000
}

/** All panels' questions over a range that ends at `to`, the variable `service` chosen or not. */
export function questionsOf({ to, span, service, only }) {
  return boards()
    .filter(({ uid }) => only === undefined || only.includes(uid))
    .flatMap((board) =>
      board.panels.map((panel) => ({
        board: board.uid,
        title: panel.title,
        sql: panel.targets[0].rawSql,
        question: {
          panel: panel.id,
          from: to - span,
          to,
          intervalMs: intervalOf(span, panel.maxDataPoints),
          variables: service === undefined ? {} : { service: [service] },
        },
      })),
    )
}
