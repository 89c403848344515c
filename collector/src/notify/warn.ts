import type { Channel, Config } from '../config/config.ts'
import { webhookChannel } from './channels/webhook.ts'
import { allowPrivateOf, bare, hostClass, refusalOf } from './guard.ts'

/**
 * Receivers that will be refused, as far as the file alone tells: those written as an address or as localhost. What other
 * names stand for is known only when they are connected to.
 *
 * @returns `channels.ops: the receiver is at …`
 */
export function privateWarnings(config: Config): string[] {
  const urls = config.alerts.flatMap(({ name, notify }) =>
    notify
      .filter((receiver) => receiver.includes('://'))
      .map((url) => ({ place: `the alert ${JSON.stringify(name)}`, channel: webhookChannel('', url) })),
  )
  const beats =
    config.heartbeat === undefined ? [] : [{ place: 'heartbeat', channel: webhookChannel('', config.heartbeat) }]
  const named = config.channels.map((channel) => ({ place: `channels.${channel.name}`, channel }))
  return [...named, ...urls, ...beats].flatMap(({ place, channel }) => {
    const refusal = refusalOfText(channel, config)
    return refusal === undefined ? [] : [`${place}: ${refusal}`]
  })
}

function refusalOfText(channel: Channel, config: Config): string | undefined {
  const host = bare(new URL(channel.kind === 'email' ? channel.smtp : channel.url).hostname)
  const found = hostClass(host)
  if (found === undefined) return undefined
  const address = /localhost\.?$/i.test(host) ? '127.0.0.1' : host
  return refusalOf(address, { ...allowPrivateOf(config), channel: channel.allowPrivate })
}
