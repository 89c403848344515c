import type { WebhookChannel } from '../../config/config.ts'
import { noticeBody } from '../document.ts'
import type { Guard } from '../guard.ts'
import { signedHeaders } from '../sign.ts'
import { post } from '../webhook.ts'
import type { Deliverer } from './deliverer.ts'

/** A channel made of a URL alone, as rules may name one. */
export function webhookChannel(name: string, url: string, secrets: readonly string[] = []): WebhookChannel {
  return { kind: 'webhook', name, url, secrets, allowPrivate: false }
}

/**
 * Alertmanager's webhook document (https://prometheus.io/docs/alerting/latest/configuration/#webhook_config), signed
 * after Standard Webhooks.
 */
export function webhookDeliverer(channel: WebhookChannel, guard: Guard, externalUrl: () => string): Deliverer {
  const { name, url, secrets } = channel
  return {
    deliver(notice, stop) {
      const body = noticeBody(notice, name, externalUrl())
      const headers = signedHeaders(secrets, notice.id, Math.floor(Date.now() / 1000), body)
      return post({ url, headers, body }, guard, stop)
    },
  }
}
