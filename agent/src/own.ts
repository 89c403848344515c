import { CALL } from './call.ts'

/** How the agent's own requests begin to name themselves; the version follows. */
export const OWN_AGENT = 'callsight-agent/'

let creating = false

/**
 * Creates a request of the agent itself: it is no call, whatever way of capture sees it. The mark on the object is for
 * everything that happens to it later, the flag for what happens while it is made.
 */
export function ownRequest<T extends object>(create: () => T): T {
  creating = true
  try {
    const request = create()
    ;(request as { [CALL]?: null })[CALL] = null
    return request
  } finally {
    creating = false
  }
}

/** Whether the request that is being made at this moment is the agent's own. */
export function isOwnRequest(): boolean {
  return creating
}
