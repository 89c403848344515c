import type { TemplateChannel } from '../../config/config.ts'
import { limits } from '../../limits.ts'
import { clipped, type Message } from '../message.ts'

interface Format {
  safe(text: string): string
  bold(text: string): string
  link(name: string, url: string): string
}

const htmlEscapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** How a medium writes text that means nothing, text that stands out, and links. */
export const formats: Record<TemplateChannel['format'], Format> = {
  plain: {
    safe: (text) => text,
    bold: (text) => text,
    link: (name, url) => `${name}: ${url}`,
  },
  markdown: {
    safe: (text) => text.replace(/[\\`*_~|<>[\]#]/g, '\\$&'),
    bold: (text) => `**${text}**`,
    link: (name, url) =>
      `[${name}](${url
        .replace(/\(/g, '%28')
        .replace(/\)/g, '%29')
        .replace(/[<>\s]/g, '')})`,
  },
  html: {
    safe: (text) => text.replace(/[&<>"]/g, (character) => htmlEscapes[character]!),
    bold: (text) => `<b>${text}</b>`,
    link: (name, url) => `<a href="${formats.html.safe(url)}">${name}</a>`,
  },
}

/** The alerts of a message one after the other, without its title. */
export function textOf({ alerts, leftOut }: Message, format: TemplateChannel['format']): string {
  const { safe, bold, link } = formats[format]
  const told = alerts.map(({ status, summary, facts, links }) => {
    const state = alerts.length > 1 ? `${bold(status === 'firing' ? 'Firing' : 'Resolved')} ` : ''
    return [
      `${state}${clipped(summary, limits.noticeSummaryChars, safe)}`,
      ...facts.map(({ name, value }) => `${bold(`${name}:`)} ${clipped(value, limits.noticeFactChars, safe)}`),
      links.map(({ name, url }) => link(name, url)).join(format === 'plain' ? '\n' : ' · '),
    ]
      .filter((line) => line !== '')
      .join('\n')
  })
  return [...told, ...(leftOut === '' ? [] : [safe(leftOut)])].join('\n\n')
}
