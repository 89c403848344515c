/**
 * Asks again until the answer is there. A probe that throws has no answer yet.
 *
 * @param what names what is waited for, in the error at the end of the time
 */
export async function until<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 20_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs
  let last: unknown
  for (;;) {
    try {
      const answer = await probe()
      if (answer !== undefined && answer !== false) return answer
    } catch (error) {
      last = error
    }
    if (Date.now() > deadline) {
      throw new Error(`no ${what} within ${timeoutMs} ms${last === undefined ? '' : `: ${last}`}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
