/** The judge's only sense of time. */
export interface Clock {
  /** No tick begins after this; the one under way is waited for. */
  stop(): Promise<void>
}

/**
 * Calls `tick` at once and then at every whole multiple of `everyMs`, never twice at a time: a tick that takes longer
 * lets the multiples it overlaps pass. A tick that fails is told to `failed`, and the clock goes on.
 */
export function startClock(everyMs: number, tick: () => Promise<void>, failed: (error: unknown) => void): Clock {
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  const run = async () => {
    try {
      await tick()
    } catch (error) {
      failed(error)
    }
    if (!stopped) timer = setTimeout(begin, everyMs - (Date.now() % everyMs))
  }
  let running = Promise.resolve()
  const begin = () => {
    running = run()
  }
  begin()
  return {
    async stop() {
      stopped = true
      clearTimeout(timer)
      await running
    },
  }
}
