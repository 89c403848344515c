import type { Channel } from '../config/config.ts'
import { noticeBody } from './document.ts'
import type { Notice } from './notice.ts'
import { signedHeaders } from './sign.ts'
import { type Outcome, post } from './webhook.ts'

/** Brings notices to one channel. */
export interface Deliverer {
  /** One attempt. It never throws, and the same notice is the same bytes each time. */
  deliver(notice: Notice, stop: AbortSignal): Promise<Outcome>
}

/** @param about.externalUrl where people find this collector */
export function delivererOf(
  { name, webhook, secret }: Channel,
  { externalUrl }: { readonly externalUrl: () => string },
): Deliverer {
  return {
    deliver(notice, stop) {
      const body = noticeBody(notice, name, externalUrl())
      return post(webhook, signedHeaders(secret, notice.id, Math.floor(Date.now() / 1000), body), body, stop)
    },
  }
}
