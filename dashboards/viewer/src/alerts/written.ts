// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the file's own syntax for variables
import type { Rule } from './draft.ts'

/** The lines of callsight.yaml that say the same as a rule. */
export function yamlOf({ name, when, ...rest }: Rule): string {
  const lines = Object.entries({ name, when, ...rest }).map(([key, value]) => {
    if (Array.isArray(value)) return `${key}: [${value.map((one: string) => scalar(one)).join(', ')}]`
    return `${key}: ${key === 'min_calls' && /^\d{1,15}$/.test(String(value)) ? value : scalar(String(value))}`
  })
  return ['alerts:', ...lines.map((line, i) => `${i === 0 ? '  - ' : '    '}${line}`)].join('\n')
}

/** The command that makes the same rule. */
export function commandOf({ name, when, ...rest }: Rule, origin: string): string {
  const flags = Object.entries({ ...rest, name }).flatMap(([key, value]): [string, string][] => {
    if (key === 'group_by' && Array.isArray(value)) return [['group-by', value.join(',')]]
    if (Array.isArray(value)) return value.map((one: string) => [key, one])
    return [[flagOf(key), String(value)]]
  })
  if (origin !== usualOrigin) flags.push(['url', origin])
  return ['callsight alert add', word(when), ...flags.map(([flag, value]) => `--${flag} ${word(value)}`)].join(' ')
}

/** Where the command looks for a collector by itself. */
const usualOrigin = 'http://127.0.0.1:4319'

function flagOf(key: string): string {
  return key === 'no_data' ? 'on-no-data' : key.replaceAll('_', '-')
}

const notText = /^(true|false|null|yes|no|on|off|y|n)$/i

/** A text in YAML, in quotes where it would mean something else without; `$${…}` is the text `${…}` there. */
function scalar(text: string): string {
  if (/^\d+(us|ms|s|m|h|d)$/.test(text)) return text
  if (/^[A-Za-z]([A-Za-z0-9_./>=<% -]*[A-Za-z0-9%])?$/.test(text) && !notText.test(text)) return text
  return JSON.stringify(text).replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, '$$${$1}')
}

/** A word of a shell; double quotes, which every system has, where nothing in them means anything. */
function word(text: string): string {
  if (/^[A-Za-z0-9_.,:/@%+-]+$/.test(text)) return text
  if (/^[\w .,:/<>=*@%?&;()[\]|~#{}^+-]+$/.test(text)) return `"${text}"`
  return `'${text.replaceAll("'", `'\\''`)}'`
}
