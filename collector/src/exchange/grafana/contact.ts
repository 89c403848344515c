import { createHash } from 'node:crypto'
import type { Channel, PagerDutyChannel } from '../../config/config.ts'
import { receiverName } from '../../notify/notifier.ts'
import { dollars } from './template.ts'

/** A variable that Grafana must have in its environment, and what it is. */
export interface Secret {
  readonly name: string
  readonly what: string
}

interface Receiver {
  readonly uid: string
  readonly type: string
  readonly settings: Readonly<Record<string, unknown>>
}

export interface ContactPoint {
  readonly orgId: number
  readonly name: string
  readonly receivers: readonly Receiver[]
}

/**
 * Channels as contact points. A rule of Grafana names one, which may have several receivers: each list of channels that
 * rules name is one. Whatever is secret is a variable of the environment, named after its channel.
 */
export class Contacts {
  readonly secrets: Secret[] = []
  readonly notes: string[] = []
  readonly #channels: ReadonlyMap<string, Channel>
  readonly #points = new Map<string, ContactPoint>()
  readonly #receivers = new Map<string, Omit<Receiver, 'uid'> | undefined>()

  constructor(channels: readonly Channel[]) {
    this.#channels = new Map(channels.map((channel) => [channel.name, channel]))
  }

  get points(): readonly ContactPoint[] {
    return [...this.#points.values()]
  }

  /** The contact point of these channels and URLs; undefined when Grafana has none of them. */
  of(notify: readonly string[]): string | undefined {
    const told = [...new Set(notify)].filter((name) => this.#receiver(name) !== undefined)
    if (told.length === 0) return undefined
    const name = `Callsight: ${told.map(receiverName).join(', ')}`
    if (!this.#points.has(name)) {
      const receivers = told.map((one) => ({ uid: uidOf(name, one), ...this.#receiver(one)! }))
      this.#points.set(name, { orgId: 1, name: dollars(name), receivers })
    }
    return name
  }

  #receiver(name: string): Omit<Receiver, 'uid'> | undefined {
    if (!this.#receivers.has(name)) this.#receivers.set(name, this.#made(name))
    return this.#receivers.get(name)
  }

  #made(name: string): Omit<Receiver, 'uid'> | undefined {
    if (name.includes('://')) {
      const url = this.#secret(new URL(name).host, 'URL', `the URL of the webhook ${receiverName(name)}`)
      return { type: 'webhook', settings: { url, httpMethod: 'POST' } }
    }
    const channel = this.#channels.get(name)
    if (channel === undefined) {
      this.notes.push(`the channel ${name} is gone: rules that name it go by Grafana's own notification policy`)
      return undefined
    }
    return this.#ofChannel(channel)
  }

  #ofChannel(channel: Channel): Omit<Receiver, 'uid'> | undefined {
    const { name } = channel
    const secret = (part: string, what: string) => this.#secret(name, part, `${what} of the channel ${name}`)
    const url = () => secret('URL', 'the URL')
    switch (channel.kind) {
      case 'webhook':
        if (channel.secrets.length > 0)
          this.notes.push(`Grafana does not sign what it sends to ${name} as Callsight does`)
        return { type: 'webhook', settings: { url: url(), httpMethod: 'POST' } }
      case 'slack':
        if (channel.application === undefined) return { type: 'slack', settings: { url: url() } }
        return {
          type: 'slack',
          settings: { token: secret('TOKEN', 'the token'), recipient: dollars(channel.application.channel) },
        }
      case 'teams':
        return { type: 'teams', settings: { url: url() } }
      case 'pagerduty': {
        const integrationKey = secret('ROUTING_KEY', 'the routing key')
        return { type: 'pagerduty', settings: { integrationKey, severity: severityOf(channel) } }
      }
      case 'email':
        this.notes.push(`Grafana sends the e-mail of ${name} by its own SMTP settings`)
        return { type: 'email', settings: { addresses: channel.to.map(addressOf).map(dollars).join(';') } }
      case 'alertmanager':
        return { type: 'prometheus-alertmanager', settings: { url: url() } }
      case 'discord':
        return { type: 'discord', settings: { url: url() } }
      case 'telegram': {
        const chat = (channel.body as { chat_id: string }).chat_id
        return { type: 'telegram', settings: { bottoken: secret('TOKEN', 'the token'), chatid: dollars(chat) } }
      }
      case 'template':
        this.notes.push(`Grafana has no channel like ${name}, a template: add a contact point for it yourself`)
        return undefined
    }
  }

  /** `${CALLSIGHT_CHAT_URL}` */
  #secret(owner: string, part: string, what: string): string {
    const word = owner.toUpperCase().replace(/[^A-Z0-9]+/g, '_')
    const wanted = `CALLSIGHT_${word}_${part}`
    let name = wanted
    for (let i = 2; this.secrets.some((secret) => secret.name === name); i++) name = `${wanted}_${i}`
    this.secrets.push({ name, what })
    return `\${${name}}`
  }
}

/** By the label that every alert of ours has. */
function severityOf({ severity }: PagerDutyChannel): string {
  const cases = Object.entries(severity).map(([ours, theirs], i) => {
    return `{{ ${i === 0 ? '' : 'else '}if eq .CommonLabels.severity ${dollars(JSON.stringify(ours))} }}${theirs}`
  })
  return `${cases.join('')}{{ else }}warning{{ end }}`
}

/** `Callsight <alerts@example.com>` */
function addressOf(mailbox: string): string {
  return /<([^<>]+)>$/.exec(mailbox)?.[1] ?? mailbox
}

function uidOf(point: string, receiver: string): string {
  return `callsight-${createHash('sha256')
    .update(JSON.stringify([point, receiver]))
    .digest('hex')
    .slice(0, 20)}`
}
