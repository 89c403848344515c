import type { Contract, Objective } from '../../config/config.ts'

/**
 * How the statements of an objective count: by its contract; without one by its own method, in the same slices, so that a
 * statement says what the objective says of the same month.
 */
export function contractOf({ contract, method, sliceMs, sliceTarget, empty }: Objective): Contract {
  if (contract !== undefined) return contract
  const plain = { unavailableBelow: undefined, minCalls: 1, excluded: 'ignore', credits: [], cap: undefined } as const
  switch (method) {
    case 'occurrences':
      return { formula: 'calls', sliceMs: 3600_000, empty: 'ignore', ...plain }
    case 'ratio_timeslices':
      return { formula: 'aws', sliceMs, empty, ...plain }
    case 'timeslices':
      return { formula: 'twilio', sliceMs, empty, ...plain, unavailableBelow: sliceTarget }
  }
}
