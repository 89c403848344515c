// How long each panel of each board takes on a store with up to 100 million calls, and how long 100 objectives are judged.
// npm run bench -- query [--calls 100000000] [--minutes 10] [--store DIR] [--repeat 5] [--ranges 1h,24h,7d,30d] [--objectives 100] [--json]
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { boardOf, expand } from '@callsight/dashboards'
import { askPanel, Collector, describeMachine } from './ingest/collector.mjs'
import { fill } from './query/fill.mjs'
import { judging } from './query/judging.mjs'
import { questionsOf } from './query/panels.mjs'

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '100000000' },
    minutes: { type: 'string', default: '10' },
    store: { type: 'string' },
    repeat: { type: 'string', default: '5' },
    ranges: { type: 'string', default: '1h,24h,7d,30d' },
    objectives: { type: 'string', default: '100' },
    json: { type: 'boolean', default: false },
  },
})
const say = (text) => process.stderr.write(`${text}\n`)
const hours = { h: 1, d: 24 }
const ranges = values.ranges
  .split(',')
  .map((name) => ({ name, span: Number.parseInt(name, 10) * hours[name.at(-1)] * 3_600_000 }))
/** The largest of the eight services stands for a choice of one. */
const service = 'books-api'
const GOAL_MS = 150

const folder = values.store === undefined ? mkdtempSync(join(resolve('.'), 'callsight-bench-')) : resolve(values.store)
mkdirSync(folder, { recursive: true })
const data = join(folder, 'data')
/** What the store holds; written when it is full, so that it can be used again. */
const note = join(folder, 'filled.json')
let collector
try {
  const filled = existsSync(note)
    ? JSON.parse(readFileSync(note, 'utf8'))
    : await fill(data, { wanted: Number(values.calls), minutes: Number(values.minutes), say })
  writeFileSync(note, JSON.stringify(filled))
  say(`${filled.calls / 1e6} million calls`)
  collector = await Collector.start({ data })
  const asked = await askAll(filled.newest)
  await collector.stop()
  collector = undefined
  const slowest = explain(asked.toSorted((a, b) => b.p95 - a.p95).slice(0, 10))
  say('judging')
  const judged = await judging(data, { objectives: Number(values.objectives), at: filled.newest })
  const report = { machine: describeMachine(folder), filled, asked, slowest, judged }
  if (values.json) console.log(JSON.stringify(report, undefined, 2))
  else print(report)
} finally {
  collector?.child.kill('SIGKILL')
  if (values.store === undefined) rmSync(folder, { recursive: true, force: true })
  else say(`the store stays in ${folder}`)
}

/** Every panel over every range: once cold (the first time in this process), then warm, one at a time; and each board as a browser asks it. */
async function askAll(to) {
  const asked = []
  for (const { name, span } of ranges) {
    for (const chosen of [undefined, service]) {
      const questions = questionsOf({ to, span, service: chosen })
      for (const { board, title, sql, question } of questions) {
        const times = []
        for (let turn = 0; turn <= Number(values.repeat); turn++) times.push(await timed(board, question))
        const [cold, ...warm] = times
        warm.sort((a, b) => a - b)
        asked.push({
          board,
          title,
          range: name,
          service: chosen,
          question,
          sql,
          cold,
          warm,
          p50: at(warm, 0.5),
          p95: at(warm, 0.95),
        })
      }
      const took = []
      for (const board of new Set(questions.map((one) => one.board))) {
        const began = performance.now()
        await Promise.all(questions.filter((one) => one.board === board).map(({ question }) => timed(board, question)))
        took.push(`${board} ${Math.round(performance.now() - began)} ms`)
      }
      say(`${name}, ${chosen ?? 'all services'}: whole boards at once: ${took.join(', ')}`)
    }
  }
  return asked
}

async function timed(board, question) {
  const began = performance.now()
  await askPanel(collector.web, board, question)
  return performance.now() - began
}

function at(sorted, share) {
  return sorted[Math.min(Math.floor(share * sorted.length), sorted.length - 1)]
}

/** What the engine says of a question: rows and bytes it has read. */
function explain(questions) {
  const { Session } = createRequire(import.meta.url)('chdb')
  const session = new Session(data)
  session.query('USE callsight')
  const explained = questions.map((one) => {
    const { from, to, intervalMs, variables } = one.question
    const sql = expand(one.sql, { from, to, intervalMs, variables, board: boardOf(one.board) })
    const { statistics, rows } = JSON.parse(session.query(sql, 'JSON'))
    return {
      ...one,
      sql,
      read: statistics.rows_read,
      bytes: statistics.bytes_read,
      engineMs: statistics.elapsed * 1000,
      rows,
    }
  })
  session.close?.()
  return explained
}

function print({ machine, filled, asked, slowest, judged }) {
  const ms = (number) => number.toFixed(number < 10 ? 1 : 0)
  console.log(`\n${machine}`)
  console.log(
    `${filled.calls / 1e6} million calls, made by the engine in ${Math.round(filled.seconds)} s; every panel asked once cold and ${values.repeat} times warm, one at a time, over HTTP\n`,
  )
  console.log(
    '| board | range | service | panels | p50 ms | p95 ms | max ms | cold max ms | over the goal |\n|---|---|---|---|---|---|---|---|---|',
  )
  const groups = grouped(asked)
  for (const [key, panels] of groups) {
    const all = panels.flatMap(({ warm }) => warm).sort((a, b) => a - b)
    const cold = Math.max(...panels.map((panel) => panel.cold))
    const over = panels.filter(({ p95 }) => p95 > GOAL_MS).length
    const cells = [key, panels.length, ms(at(all, 0.5)), ms(at(all, 0.95)), ms(all.at(-1)), ms(cold), over]
    console.log(`| ${cells.join(' | ')} |`)
  }
  const all = asked.flatMap(({ warm }) => warm).sort((a, b) => a - b)
  console.log(
    `\nAll panels: p50 ${ms(at(all, 0.5))} ms, p95 ${ms(at(all, 0.95))} ms; ${asked.filter(({ p95 }) => p95 > GOAL_MS).length} of ${asked.length} over ${GOAL_MS} ms\n`,
  )
  console.log('| slowest | range | service | p95 ms | cold ms | rows read | MB read |\n|---|---|---|---|---|---|---|')
  for (const { title, board, range, service: of, p95, cold, read, bytes } of slowest) {
    console.log(
      `| ${[`${board}: ${title}`, range, of ?? 'all', ms(p95), ms(cold), read.toLocaleString('en'), ms(bytes / 1e6)].join(' | ')} |`,
    )
  }
  console.log(`\n| judging | ms |\n|---|---|`)
  for (const [what, took] of Object.entries(judged)) console.log(`| ${what} | ${ms(took)} |`)
  console.log('\nSQL of the slowest:')
  for (const { title, range, sql } of slowest) console.log(`\n-- ${title}, ${range}\n${sql}`)
}

function keyOf({ board, range, service: of }) {
  return `${board} | ${range} | ${of ?? 'all'}`
}

function grouped(asked) {
  const groups = new Map()
  for (const one of asked) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one])
  return groups
}
