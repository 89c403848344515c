import type { BadSliceDocument, StatementDocument } from '../../judge/sla/statement.ts'
import type { MonthOfStatements, Statement } from '../../judge/sla/statements.ts'
import { limits } from '../../limits.ts'
import { Html, html } from './html.ts'
import { style } from './style.ts'
import { arithmetic, excludedText, goodCallText, methodText, minutesText, moment, monthName, number } from './words.ts'

/**
 * A consumer's statements of one month as a page to send: one file, complete without the network, for A4 and Letter.
 *
 * @param name of the consumer, for people
 * @param found at least one statement, all of one month
 */
export function statementPage(name: string, found: MonthOfStatements): string {
  const { statements, missing } = found
  const { document } = statements[0]!
  const { consumer, month, time_zone, period_start, period_end } = document
  const final = statements.every((statement) => statement.document.final)
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>SLA statement ${name} ${month}</title>
<style>${new Html(style)}</style>
</head>
<body>
<main>
<header>
<div>
<p class="over">Service level statement</p>
<h1>${name}</h1>
<p class="under">${monthName(month)}${consumer === name ? '' : ` · ${consumer}`}</p>
</div>
<p><span class="tag ${final ? 'none' : 'open'}">${final ? 'Final' : 'Provisional'}</span></p>
</header>
<p class="under">${moment(period_start, time_zone)} to ${moment(period_end, time_zone)}, times of ${time_zone}</p>
${final ? undefined : provisional(document)}
${document.first_call_in_store === null ? undefined : unrecorded(document.first_call_in_store, time_zone)}
${statements.length > 1 ? summary(statements) : undefined}
${missing.map(({ objective, why }) => html`<p class="note">No statement for ${objective}: ${why}.</p>`)}
${statements.map(section)}
</main>
</body>
</html>
`
  return page.text
}

function provisional({ judged_until, time_zone }: StatementDocument): Html {
  return html`<p class="note">This statement is provisional: calls that began before ${moment(judged_until, time_zone)} are judged, and the figures may still change.</p>`
}

function unrecorded(first: string, timeZone: string): Html {
  return html`<p class="note">The first call on record, of any caller, is of ${moment(first, timeZone)}: what was called before in this month is not known.</p>`
}

function summary(statements: readonly Statement[]): Html {
  return html`<section>
<div class="wide"><table>
<thead><tr><th>Objective</th><th class="number">Promised</th><th class="number">Attained</th><th></th><th class="number">Credit</th></tr></thead>
<tbody>${statements.map(
    ({ document }) => html`<tr><td>${document.objective}</td><td class="number">${document.terms.target}</td>
<td class="number">${document.attained ?? '–'}</td><td>${verdict(document)}</td><td class="number">${document.credit ?? '–'}</td></tr>`,
  )}</tbody>
</table></div>
</section>`
}

function verdict({ met }: StatementDocument): Html {
  if (met === null) return html`<span class="tag none">No calls</span>`
  return met ? html`<span class="tag good">Kept</span>` : html`<span class="tag bad">Not kept</span>`
}

function section(statement: Statement): Html {
  const { document } = statement
  const { terms, met, calls, excluded } = document
  const sum = arithmetic(document)
  return html`<section class="detail">
<div class="title"><h2>${document.objective}</h2>${verdict(document)}</div>
<div class="figures">
${figure('Promised', terms.target, terms.formula === 'twilio' ? 'of the time' : 'of calls')}
${figure('Attained', document.attained ?? '–', unitOf(document), met === null ? '' : met ? 'good' : 'bad')}
${figure('Credit due', document.credit ?? 'none', creditNote(document), document.credit === null ? '' : 'bad')}
${figure('Calls judged', number(calls.judged), `${number(calls.bad)} of them bad`)}
</div>
<h3>How it is counted</h3>
<p>${goodCallText(terms)} ${methodText(document)}</p>
${sum === undefined ? undefined : html`<p class="sum">${sum}</p>`}
<h3>Terms</h3>
${termList(document)}
<h3>Excluded time</h3>
${excluded.length === 0 ? html`<p class="soft">None.</p>` : exclusions(document)}
<h3>${badTitle(document)}</h3>
${document.bad_slices.length === 0 ? html`<p class="soft">None.</p>` : badSlices(document)}
${seal(statement)}
</section>`
}

function figure(title: string, value: string, note: string, tone = ''): Html {
  return html`<div class="figure ${tone}"><p class="over">${title}</p><b>${value}</b><span>${note}</span></div>`
}

function unitOf({ terms, slices }: StatementDocument): string {
  switch (terms.formula) {
    case 'aws':
      return `mean of ${number(slices.counted)} intervals`
    case 'twilio':
      return `of ${number(slices.counted)} ${terms.slice_minutes === 1 ? 'minutes' : 'intervals'}`
    case 'google':
      return 'in the worst period'
    case 'calls':
      return 'of all calls'
  }
}

function creditNote({ terms, credit, met }: StatementDocument): string {
  if (terms.credits.length === 0) return 'none agreed'
  if (credit !== null) return "of the month's fee"
  return met === false ? 'above the first tier' : 'promise kept'
}

function termList({ terms }: StatementDocument): Html {
  const rows: [string, string | undefined][] = [
    ['Service', terms.service ?? 'all'],
    ['Operation', terms.operation ?? 'all'],
    ['Formula', terms.by_method ? `${terms.formula}, by the method of the objective` : terms.formula],
    ['Length of a slice', minutesText(terms.slice_minutes)],
    ['Excluded time', excludedText(terms)],
    ['Credits', credits(terms)],
    ['Most that is due', terms.cap ?? undefined],
  ]
  const given = rows.filter(([, value]) => value !== undefined)
  return html`<dl>${given.map(([key, value]) => html`<dt>${key}</dt><dd>${value}</dd>`)}</dl>`
}

function credits({ credits }: StatementDocument['terms']): string | undefined {
  if (credits.length === 0) return undefined
  return credits
    .toReversed()
    .map(({ below, credit }) => `below ${below}: ${credit}`)
    .join(' · ')
}

function exclusions({ excluded, time_zone, calls }: StatementDocument): Html {
  return html`<div class="wide"><table>
<thead><tr><th>From</th><th>To</th><th>Reason</th></tr></thead>
<tbody>${excluded.map(
    ({ from, to, reason }) =>
      html`<tr><td class="nowrap">${moment(from, time_zone)}</td><td class="nowrap">${moment(to, time_zone)}</td><td>${reason || '–'}</td></tr>`,
  )}</tbody>
</table></div>
<p class="under">${number(calls.excluded)} calls in it are not judged, ${number(calls.excluded_bad)} of them bad.</p>`
}

function badTitle({ terms, bad_slices_in_all: count }: StatementDocument): string {
  const titles = {
    aws: ['Intervals with bad calls', 'interval'],
    twilio: ['Unavailable time', terms.slice_minutes === 1 ? 'minute' : 'interval'],
    google: ['Periods below the target', 'period'],
    calls: ['When calls were bad', 'slice'],
  } as const
  const [title, unit] = titles[terms.formula]
  return count === 0 ? title : `${title}: ${number(count)} ${unit}${count === 1 ? '' : 's'}`
}

function badSlices(document: StatementDocument): Html {
  const { bad_slices, bad_slices_in_all, time_zone } = document
  const byOperation = bad_slices.some(({ operation }) => operation !== undefined)
  const shown = worst(runs(bad_slices, document.terms.formula !== 'google'))
  const slices = shown.reduce((sum, run) => sum + run.slices, 0)
  const more = bad_slices_in_all - slices
  return html`<div class="wide"><table>
<thead><tr><th>From</th><th>Length</th>${byOperation ? html`<th>Operation</th>` : undefined}<th class="number">Calls</th><th class="number">Bad</th><th>Traces of bad calls</th></tr></thead>
<tbody>${shown.map(
    (slice) => html`<tr><td class="nowrap">${moment(slice.from, time_zone)}</td>
<td class="nowrap">${lengthText(slice)}</td>
${byOperation ? html`<td>${slice.operation ?? ''}</td>` : undefined}<td class="number">${number(slice.calls)}</td><td class="number">${number(slice.bad)}</td>
<td>${slice.trace_ids.length === 0 ? html`<span class="soft">–</span>` : slice.trace_ids.map((id) => html`<code>${id}</code>`)}</td></tr>`,
  )}</tbody>
</table></div>
${more === 0 ? undefined : html`<p class="under">These are the worst; ${number(more)} more are counted above${bad_slices.length > slices ? ', and listed in this statement as JSON' : ''}.</p>`}`
}

function lengthText({ from, to }: BadSliceDocument): string {
  return minutesText((Date.parse(to) - Date.parse(from)) / 60_000)
}

interface Run extends BadSliceDocument {
  readonly slices: number
}

/** Slices that follow each other are one piece of bad time to a reader; google's periods are judged each for itself. */
function runs(slices: readonly BadSliceDocument[], join: boolean): Run[] {
  const joined: Run[] = []
  for (const slice of slices) {
    const last = joined.at(-1)
    if (!join || last?.to !== slice.from) {
      joined.push({ ...slice, slices: 1 })
      continue
    }
    joined[joined.length - 1] = {
      from: last.from,
      to: slice.to,
      calls: last.calls + slice.calls,
      bad: last.bad + slice.bad,
      trace_ids: [...last.trace_ids, ...slice.trace_ids].slice(0, limits.slaSamples),
      slices: last.slices + 1,
    }
  }
  return joined
}

/** Those with the most bad calls, in order of time. */
function worst(slices: readonly Run[]): readonly Run[] {
  if (slices.length <= limits.slaSlicesShown) return slices
  const chosen = new Set(slices.toSorted((a, b) => b.bad - a.bad).slice(0, limits.slaSlicesShown))
  return slices.filter((slice) => chosen.has(slice))
}

function seal({ version, madeMs, checksum, document }: Statement): Html {
  const made =
    version === null || madeMs === null
      ? 'Made when it was asked for, and not kept as a version.'
      : `Version ${version}, made ${moment(new Date(madeMs).toISOString(), document.time_zone)}.`
  return html`<footer>
<p>${made} An earlier version is never changed; what is counted anew and comes out differently is a further version.</p>
<p>SHA-256 of the statement as JSON: <code>${checksum}</code></p>
<p>Percentages are exact fractions, cut after six decimals and never rounded up.</p>
</footer>`
}
