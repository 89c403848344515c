import type { TemplateChannel } from '../config.ts'

type Made = Omit<TemplateChannel, 'name' | 'allowPrivate'>
const json = { 'content-type': 'application/json' }

/**
 * Discord's webhooks take an embed of at most 6000 characters, 4096 of them in its description; nobody is mentioned.
 * Source: https://discord.com/developers/docs/resources/message#embed-object-embed-limits
 */
export function discordTemplate(url: string): Made {
  const embed = {
    title: '{{title}}',
    url: '{{board}}',
    description: '{{text}}',
    color: '{{color}}',
    timestamp: '{{time}}',
  }
  const body = { embeds: [embed], allowed_mentions: { parse: [] } }
  return { kind: 'discord', url, method: 'POST', headers: json, body, format: 'markdown', maxChars: 4000 }
}

/**
 * Telegram's sendMessage takes 4096 characters. A later notice of a group answers the first one, which {{thread}} stands
 * for. Source: https://core.telegram.org/bots/api#sendmessage
 *
 * @param given url of an own Bot API server
 */
export function telegramTemplate(given: { token: string; chat: string; url?: string | undefined }): Made {
  const { token, chat, url = 'https://api.telegram.org' } = given
  const body = {
    chat_id: chat,
    parse_mode: 'HTML',
    text: '<b>{{title}}</b>\n{{text}}',
    link_preview_options: { is_disabled: true },
    reply_parameters: { message_id: '{{thread}}', allow_sending_without_reply: true },
  }
  const address = `${url.replace(/\/+$/, '')}/bot${token}/sendMessage`
  return { kind: 'telegram', url: address, method: 'POST', headers: json, body, format: 'html', maxChars: 3700 }
}
