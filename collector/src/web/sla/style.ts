/**
 * The look of a statement: dark ink on paper where it is printed, the reader's own choice on a screen. No script, no font
 * and no picture from elsewhere.
 */
export const style = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --desk: #eef1f5; --ink: #16202c; --soft: #586574; --line: #d8dee6; --tint: #f5f7fa;
  --good: #12703f; --good-tint: #e4f4ea; --bad: #b3261e; --bad-tint: #fbe9e7; --open: #8a5a00; --open-tint: #fdf2d9;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #161b22; --desk: #0d1117; --ink: #e6edf3; --soft: #9aa7b4; --line: #2f3844; --tint: #1d242d;
    --good: #6fd39a; --good-tint: #14301f; --bad: #ff9b92; --bad-tint: #3a1a18; --open: #f0c46c; --open-tint: #352a10;
  }
}
@page { margin: 17mm 16mm 19mm; @bottom-right { content: counter(page) " / " counter(pages); font: 8pt system-ui, sans-serif; color: #586574; } }
* { box-sizing: border-box; }
html { background: var(--desk); }
body { margin: 0 auto; padding: 48px 16px; max-width: 892px; color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif; }
main { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; padding: 52px 56px 40px; }
h1, h2, h3, p, dl, dd, table { margin: 0; }
h1 { font-size: 30px; line-height: 1.2; letter-spacing: -0.01em; }
h2 { font-size: 21px; line-height: 1.3; overflow-wrap: anywhere; }
h3 { font-size: 12px; letter-spacing: 0.07em; text-transform: uppercase; color: var(--soft); margin: 30px 0 8px; break-after: avoid; }
.over { font-size: 12px; letter-spacing: 0.07em; text-transform: uppercase; color: var(--soft); margin-bottom: 4px; }
.under { color: var(--soft); margin-top: 6px; }
.soft { color: var(--soft); }
.nowrap { white-space: nowrap; }
header { display: flex; justify-content: space-between; gap: 24px; align-items: flex-start; padding-bottom: 24px; border-bottom: 2px solid var(--ink); }
header > div { min-width: 0; overflow-wrap: anywhere; }
.tag { display: inline-block; border-radius: 999px; padding: 2px 11px; font-size: 13px; font-weight: 600; white-space: nowrap; }
.tag.good { color: var(--good); background: var(--good-tint); } .tag.bad { color: var(--bad); background: var(--bad-tint); }
.tag.open { color: var(--open); background: var(--open-tint); } .tag.none { color: var(--soft); background: var(--tint); }
.note { border-left: 3px solid var(--open); background: var(--open-tint); padding: 8px 14px; margin-top: 20px; }
section { padding-top: 34px; } section + section { margin-top: 40px; border-top: 1px solid var(--line); }
.title > h2 { min-width: 0; } .title { display: flex; gap: 12px; align-items: center; justify-content: space-between; }
.figures { display: grid; grid-template-columns: repeat(4, 1fr); gap: 12px; margin-top: 18px; break-inside: avoid; }
.figure { background: var(--tint); border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px; }
.figure .over { margin: 0; } .figure b { display: block; font-size: 23px; line-height: 1.35; font-variant-numeric: tabular-nums; white-space: nowrap; }
.figure.good b { color: var(--good); } .figure.bad b { color: var(--bad); }
.figure span { color: var(--soft); font-size: 13px; }
.sum { font-family: ui-monospace, "SF Mono", Menlo, "Liberation Mono", monospace; font-size: 13.5px; background: var(--tint); border: 1px solid var(--line); border-radius: 6px; padding: 8px 12px; margin-top: 10px; overflow-wrap: anywhere; break-inside: avoid; }
dl { display: grid; grid-template-columns: 190px 1fr; gap: 5px 18px; } dt { color: var(--soft); } dd { overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { text-align: left; font-size: 12.5px; font-weight: 600; color: var(--soft); border-bottom: 1px solid var(--line); padding: 5px 14px 5px 0; }
td { border-bottom: 1px solid var(--line); padding: 6px 14px 6px 0; vertical-align: top; overflow-wrap: anywhere; }
th:last-child, td:last-child { padding-right: 0; } .number { text-align: right; white-space: nowrap; }
thead { display: table-header-group; } tr { break-inside: avoid; }
code { font: 12px/1.45 ui-monospace, "SF Mono", Menlo, "Liberation Mono", monospace; }
td code { display: block; overflow-wrap: anywhere; } footer { margin-top: 36px; padding-top: 16px; border-top: 1px solid var(--line); font-size: 13px; color: var(--soft); }
footer code { overflow-wrap: anywhere; }
@media screen and (max-width: 720px) {
  body { padding: 0; } main { border: 0; border-radius: 0; padding: 28px 18px; } .figures { grid-template-columns: repeat(2, 1fr); }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: 8px; } .wide { overflow-x: auto; }
}
@media print {
  html { background: none; } body { max-width: none; padding: 0; font-size: 10pt; } main { border: 0; border-radius: 0; padding: 0; }
  h1 { font-size: 21pt; } h2 { font-size: 14.5pt; } h3, .over, th { font-size: 8pt; } .figure b { font-size: 15pt; }
  .figure span, footer { font-size: 8.5pt; } code, .sum { font-size: 8pt; } .tag { font-size: 9pt; border: 1px solid currentColor; }
  section { padding-top: 20pt; } .detail + .detail { break-before: page; border-top: 0; margin-top: 0; padding-top: 0; }
  .figure, .sum, .tag, .note { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
`
