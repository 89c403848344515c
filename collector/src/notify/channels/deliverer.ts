import type { Channel } from '../../config/config.ts'
import type { AllowPrivate, Guard } from '../guard.ts'
import type { Notice } from '../notice.ts'
import type { Outcome } from '../webhook.ts'
import { alertmanagerDeliverer } from './alertmanager.ts'
import { emailDeliverer } from './email.ts'
import { pagerDutyDeliverer } from './pagerduty.ts'
import { concealed, secretsOf } from './secret.ts'
import { slackDeliverer } from './slack.ts'
import { teamsDeliverer } from './teams.ts'
import { templateDeliverer } from './template.ts'
import { webhookDeliverer } from './webhook.ts'

/** Takes notices to one channel. */
export interface Deliverer {
  /** Makes one attempt. It never throws; no error of its outcome holds a URL or a secret. */
  deliver(notice: Notice, stop: AbortSignal): Promise<Outcome>
}

export interface About {
  /** Where people find this collector. */
  readonly externalUrl: () => string
  readonly allowPrivate: AllowPrivate
}

/** What takes notices to this channel. It remembers messages that later notices update: keep it as long as the channel. */
export function delivererOf(channel: Channel, { externalUrl, allowPrivate }: About): Deliverer {
  const deliverer = bareDeliverer(channel, externalUrl, { ...allowPrivate, channel: channel.allowPrivate })
  const secrets = secretsOf(channel)
  return {
    async deliver(notice, stop) {
      const outcome = await deliverer.deliver(notice, stop)
      return { ...outcome, error: concealed(outcome.error, secrets) }
    },
  }
}

function bareDeliverer(channel: Channel, externalUrl: () => string, guard: Guard): Deliverer {
  switch (channel.kind) {
    case 'webhook':
      return webhookDeliverer(channel, guard, externalUrl)
    case 'slack':
      return slackDeliverer(channel, guard)
    case 'teams':
      return teamsDeliverer(channel, guard)
    case 'pagerduty':
      return pagerDutyDeliverer(channel, guard, externalUrl)
    case 'email':
      return emailDeliverer(channel, guard)
    case 'alertmanager':
      return alertmanagerDeliverer(channel, guard)
    case 'discord':
    case 'telegram':
    case 'template':
      return templateDeliverer(channel, guard)
  }
}
