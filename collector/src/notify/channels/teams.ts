import type { TeamsChannel } from '../../config/config.ts'
import { limits } from '../../limits.ts'
import type { Guard } from '../guard.ts'
import { clipped, fitted, type Message, type MessageAlert } from '../message.ts'
import type { Notice } from '../notice.ts'
import { post } from '../webhook.ts'
import type { Deliverer } from './deliverer.ts'

/**
 * Microsoft Teams by a workflow of Power Automate ("Post to a channel when a webhook request is received"), which takes
 * an Adaptive Card and answers 202. It can neither update a message nor answer one: a resolution is a card of its own.
 * Source: https://learn.microsoft.com/power-automate/teams/send-a-message-in-teams
 */
export function teamsDeliverer({ url }: TeamsChannel, guard: Guard): Deliverer {
  return {
    deliver(notice, stop) {
      return post({ url, headers: {}, body: JSON.stringify(teamsMessage(notice)) }, guard, stop)
    },
  }
}

/** The card. Texts from outside are text runs, which know no Markdown; a TextBlock would make links and lists of them. */
export function teamsMessage(notice: Notice): object {
  const render = (message: Message) => ({
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          fallbackText: message.title,
          msteams: { width: 'Full' },
          body: [
            container(message.status, [run(message.title, { weight: 'Bolder', size: 'Large' })]),
            ...message.alerts.flatMap(alertElements),
            ...(message.leftOut === '' ? [] : [block([run(message.leftOut, { isSubtle: true })])]),
          ],
        },
      },
    ],
  })
  return fitted(notice, render, (made) => Buffer.byteLength(JSON.stringify(made)) <= limits.teamsBytes)
}

function alertElements({ status, summary, facts, links }: MessageAlert): object[] {
  const color = status === 'firing' ? 'Attention' : 'Good'
  return [
    { ...block([run(clipped(summary, limits.noticeSummaryChars), { color })]), separator: true, spacing: 'Medium' },
    ...facts.map(({ name, value }) => ({
      ...block([run(`${name}  `, { weight: 'Bolder' }), run(clipped(value, limits.noticeFactChars))]),
      spacing: 'Small',
    })),
    ...(links.length === 0
      ? []
      : [{ type: 'ActionSet', actions: links.map(({ name, url }) => ({ type: 'Action.OpenUrl', title: name, url })) }]),
  ]
}

function container(status: Message['status'], inlines: object[]): object {
  return { type: 'Container', style: status === 'firing' ? 'attention' : 'good', bleed: true, items: [block(inlines)] }
}

function block(inlines: object[]): object {
  return { type: 'RichTextBlock', inlines }
}

function run(text: string, look: object = {}): object {
  return { type: 'TextRun', text, ...look }
}
