import type { Board } from './grafana.ts'

/** What a question is asked for: times in epoch milliseconds, the width of a bucket, and the values chosen. */
export interface Asked {
  from: number
  to: number
  intervalMs: number
  /** By variable: one value or several; `$__all`, nothing or no entry for all. */
  variables: Readonly<Record<string, string | readonly string[]>>
  /** The board the question belongs to: only its variables can be used. */
  board: Pick<Board, 'templating'>
}

/**
 * Expands the macros and variables of a panel's SQL as Grafana and its ClickHouse data source do (4.20: from and to
 * are whole seconds, filters include both ends, the interval is at least a second), with two differences, both on the
 * safe side: text that came from a variable is never looked at again, and a backslash in a value is escaped as well as
 * a quote. Grafana escapes the quote only, so that a value `\'` would end the string there.
 *
 * @throws Error on an unknown macro or variable, and on a variable used in any other form than `${name:singlequote}`
 *   or as the second argument of `$__conditionalAll`
 */
export function expand(sql: string, asked: Asked): string {
  let out = ''
  let at = 0
  for (;;) {
    const found = /\$(?:__(\w+)|\{(\w+)(?::(\w+))?\}|(\w+))/.exec(sql.slice(at))
    if (found === null) return out + sql.slice(at)
    const [text, macro, braced, format, bare] = found
    out += sql.slice(at, at + found.index)
    at += found.index + text.length
    if (macro === undefined) {
      out += quoted(braced ?? bare!, format, text, asked)
      continue
    }
    const constant = constants[macro]
    if (constant !== undefined) {
      out += constant(asked)
      continue
    }
    const call = calls[macro]
    if (call === undefined) throw new Error(`unknown macro ${text}`)
    const args = argumentsAt(sql, at)
    if (args === undefined || args.list.length !== call.takes) {
      throw new Error(`${text} takes ${call.takes} argument(s) in parentheses`)
    }
    out += call.write(asked, args.list[0]!, args.list[1] ?? '')
    at = args.end
  }
}

const seconds = (ms: number) => Math.floor(ms / 1000)
const interval = (asked: Asked) => Math.max(Math.floor(asked.intervalMs / 1000), 1)

const constants: Record<string, (asked: Asked) => string> = {
  fromTime: ({ from }) => `toDateTime(${seconds(from)})`,
  toTime: ({ to }) => `toDateTime(${seconds(to)})`,
  interval_s: (asked) => String(interval(asked)),
}

/** Arguments arrive as they were written, not yet expanded. */
const calls: Record<string, { takes: 1 | 2; write: (asked: Asked, first: string, second: string) => string }> = {
  timeFilter: {
    takes: 1,
    write(asked, column) {
      const name = expand(column, asked)
      return `${name} >= toDateTime(${seconds(asked.from)}) AND ${name} <= toDateTime(${seconds(asked.to)})`
    },
  },
  timeInterval: {
    takes: 1,
    write: (asked, column) =>
      `toStartOfInterval(toDateTime(${expand(column, asked)}), INTERVAL ${interval(asked)} second)`,
  },
  conditionalAll: {
    takes: 2,
    write(asked, condition, variable) {
      const name = /^\$(?:\{(\w+)\}|(\w+))$/.exec(variable)
      if (name === null) throw new Error(`$__conditionalAll takes a variable as its second argument, not ${variable}`)
      return valuesOf((name[1] ?? name[2])!, asked) === undefined ? '1=1' : expand(condition, asked)
    },
  },
}

function quoted(name: string, format: string | undefined, text: string, asked: Asked): string {
  if (format !== 'singlequote') throw new Error(`write \${${name}:singlequote} instead of ${text}`)
  const values = valuesOf(name, asked)
  if (values === undefined) throw new Error(`all of ${name} is chosen: put the condition into $__conditionalAll`)
  return values.map(literal).join(',')
}

/** A string as ClickHouse writes it: backslash and quote escaped by a backslash, so that no value can end it. */
function literal(value: string): string {
  return `'${value.replace(/[\\']/g, '\\$&').replaceAll('\0', '\\0')}'`
}

/** The values chosen, or undefined for all. */
function valuesOf(name: string, { board, variables }: Asked): readonly string[] | undefined {
  if (!board.templating.list.some((variable) => variable.type === 'query' && variable.name === name)) {
    throw new Error(`the board has no variable ${name}`)
  }
  const chosen = Object.hasOwn(variables, name) ? variables[name]! : []
  const list = typeof chosen === 'string' ? [chosen] : chosen
  return list.length === 0 || list.includes('$__all') || (list.length === 1 && list[0] === '') ? undefined : list
}

/** The arguments of a call whose parenthesis opens at a place; commas and parentheses in strings do not count. */
function argumentsAt(sql: string, start: number): { list: string[]; end: number } | undefined {
  if (sql[start] !== '(') return undefined
  const list: string[] = []
  let depth = 0
  let from = start + 1
  let quote = ''
  for (let at = start; at < sql.length; at++) {
    const char = sql[at]!
    if (quote !== '') {
      if (char === '\\') at++
      else if (char === quote) quote = ''
    } else if (char === "'" || char === '"' || char === '`') quote = char
    else if (char === '(') depth++
    else if (char === ',' && depth === 1) {
      list.push(sql.slice(from, at).trim())
      from = at + 1
    } else if (char === ')' && --depth === 0) {
      list.push(sql.slice(from, at).trim())
      return { list, end: at + 1 }
    }
  }
  return undefined
}
