import { limits } from '../../limits.ts'
import { clipped, type Message, type MessageAlert } from '../message.ts'
import { formats } from './text.ts'

const { safe } = formats.html
const colors = { firing: '#b42318', resolved: '#067647' }

/**
 * The HTML of a mail: no script, no image, nothing that is fetched. Styles are inline, since mail readers drop the others;
 * the colours stand on white and on black.
 */
export function mailHtml({ title, status, alerts, leftOut }: Message): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>${safe(title)}</title></head>
<body style="margin:0;padding:24px;font:15px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif">
<div style="max-width:640px;margin:0 auto">
<h1 style="margin:0 0 16px;padding:12px 16px;border-radius:6px;font-size:18px;line-height:1.35;color:#fff;background:${colors[status]}">${safe(title)}</h1>
${alerts.map(alertHtml).join('\n')}
${leftOut === '' ? '' : `<p style="opacity:.7">${safe(leftOut)}</p>`}
<p style="margin:24px 0 0;font-size:12px;opacity:.7">Sent by Callsight.</p>
</div>
</body>
</html>
`
}

function alertHtml({ status, summary, facts, links }: MessageAlert): string {
  const rows = facts.map(({ name, value }) => {
    const cells = `<th align="left" valign="top" style="padding:2px 16px 2px 0;font-weight:600;white-space:nowrap">${safe(name)}</th>`
    return `<tr>${cells}<td style="padding:2px 0">${clipped(value, limits.noticeFactChars, safe)}</td></tr>`
  })
  const ways = links.map(({ name, url }) => {
    return `<a href="${safe(url)}" style="display:inline-block;margin:8px 8px 0 0;padding:6px 14px;border:1px solid #98a2b3;border-radius:6px;text-decoration:none">${name}</a>`
  })
  return `<div style="margin:0 0 16px;padding:0 0 0 14px;border-left:4px solid ${colors[status]}">
<p style="margin:0 0 6px;font-weight:600">${clipped(summary, limits.noticeSummaryChars, safe)}</p>
<table role="presentation" cellspacing="0" cellpadding="0" style="font-size:14px">${rows.join('')}</table>
${ways.join('')}
</div>`
}
