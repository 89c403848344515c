// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the file's own syntax for variables
import { readFileSync, statSync } from 'node:fs'
import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from 'yaml'
import { limits } from '../limits.ts'
import type { AlertRule, Config } from './config.ts'
import { type Fault, type Problem, quoted } from './fault.ts'
import { isAboutKey, problemsOf } from './issue.ts'
import { withOpenSlo } from './openslo.ts'
import { type Judged, judgedProblems, receiverProblems, referenceProblems } from './references.ts'
import { ruleSchema } from './schema/alert.ts'
import { fileSchema } from './schema/file.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Either a configuration without faults, or every fault and no configuration. */
export type Reading =
  | { readonly config: Config; readonly faults: readonly [] }
  | { readonly config: undefined; readonly faults: readonly Fault[] }

/** Reads and checks a configuration file. A file that cannot be read is a fault at its first character. */
export function readConfig(file: string, env: Environment): Reading {
  let text: string
  try {
    const { size } = statSync(file)
    if (size > limits.configBytes) throw new Error(`it has ${size} bytes, more than ${limits.configBytes}`)
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const what = `cannot be read: ${error instanceof Error ? error.message : error}`
    return {
      config: undefined,
      faults: [{ file, line: 1, column: 1, path: [], what, remedy: 'check the path and its permissions' }],
    }
  }
  return parseConfig(text, file, env)
}

/**
 * Reads and checks the text of a configuration. All faults are reported together, in the order of the file; only a
 * text that is not YAML is reported for that alone.
 *
 * @param file stands in the faults
 * @param env gives the values of `${NAME}`; `$${NAME}` is the text `${NAME}` itself
 */
export function parseConfig(text: string, file: string, env: Environment): Reading {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const place = (problem: Problem, offset: number): Fault => {
    const { line, col } = lines.linePos(offset)
    return { file, line: Math.max(line, 1), column: Math.max(col, 1), ...problem }
  }
  const syntax = document.errors.map((error) => {
    return place({ path: [], what: error.message, remedy: 'correct the YAML here' }, error.pos[0])
  })
  if (document.errors.some((error) => error.code !== 'DUPLICATE_KEY')) return { config: undefined, faults: syntax }

  const { missing, replaced } = interpolate(document, env)
  let value: unknown
  try {
    value = withoutEmptySections(document.toJS())
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error)
    return { config: undefined, faults: [place({ path: [], what, remedy: 'use fewer aliases' }, 0)] }
  }
  const openSlo = withOpenSlo(value, file)
  const parsed = fileSchema.safeParse(openSlo.value)
  const problems = [...(parsed.success ? [] : problemsOf(parsed.error)), ...referenceProblems(openSlo.value)]
  const faults = [
    ...syntax,
    ...missing.map(({ problem, offset }) => place(problem, offset)),
    ...openSlo.faults,
    ...problems.flatMap((problem) => openSlo.faultOf(problem) ?? []),
    ...problems
      .filter((problem) => openSlo.faultOf(problem) === undefined)
      .map((problem) => ({ problem, offset: offsetOf(document, problem.path, isAboutKey(problem)) }))
      // What is wrong with a value whose variable is not set is that alone.
      .filter(({ offset }) => !missing.some((hole) => hole.offset === offset))
      .map(({ problem, offset }) => place({ ...problem, what: concealed(problem.what, replaced) }, offset)),
  ].sort((a, b) => Number(b.file === file) - Number(a.file === file) || a.line - b.line || a.column - b.column)
  if (faults.length > 0 || !parsed.success) return { config: undefined, faults }
  return { config: frozen(parsed.data), faults: [] }
}

/**
 * Reads one alert rule that does not come from the file.
 *
 * @param channels names of the configured channels; undefined: whether its channels exist is not asked
 * @param judged names of objectives and quotas; undefined: whether those it names exist is not asked
 */
export function readRule(
  value: unknown,
  channels: readonly string[] | undefined,
  judged?: Judged,
): { rule: AlertRule; problems: readonly [] } | { rule: undefined; problems: readonly Problem[] } {
  const parsed = ruleSchema.safeParse(value)
  const problems = [
    ...(parsed.success ? [] : problemsOf(parsed.error)),
    ...(channels === undefined ? [] : receiverProblems(value, channels)),
    ...(judged === undefined ? [] : judgedProblems(value, judged)),
  ]
  if (problems.length > 0 || !parsed.success) return { rule: undefined, problems }
  return { rule: frozen(parsed.data), problems: [] }
}

interface Replacement {
  value: string
  written: string
}

/** Puts the environment's values in the place of `${NAME}` in every scalar that is a value, not a key. */
function interpolate(document: Document, env: Environment) {
  const missing: { problem: Problem; offset: number }[] = []
  const replaced: Replacement[] = []
  visit(document, {
    Scalar(key, node, above) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) return
      const written = node.value
      node.value = written.replace(/\$?\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (whole, name: string) => {
        if (whole.startsWith('$$')) return whole.slice(1)
        const value = env[name]
        if (value !== undefined) return value
        const problem = {
          path: pathTo(above, node),
          what: `\${${name}} is not set`,
          remedy: `set the environment variable ${name}`,
        }
        missing.push({ problem, offset: node.range?.[0] ?? 0 })
        return whole
      })
      if (node.value !== written) replaced.push({ value: node.value as string, written })
    },
  })
  return { missing, replaced }
}

function pathTo(above: readonly unknown[], leaf: Node): (string | number)[] {
  return [...above, leaf].flatMap<string | number>((node, i, chain) => {
    if (isPair(node)) return [String(isScalar(node.key) ? node.key.value : node.key)]
    return isSeq(node) ? [node.items.indexOf(chain[i + 1])] : []
  })
}

/** Values from the environment may be secrets: messages show the variable instead. */
function concealed(text: string, replaced: readonly Replacement[]): string {
  return replaced.reduce((shown, { value, written }) => shown.split(quoted(value)).join(quoted(written)), text)
}

/** A section whose lines are all commented out is as good as absent. */
function withoutEmptySections(value: unknown): unknown {
  if (value === null || value === undefined) return {}
  if (typeof value !== 'object' || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([, section]) => section !== null))
}

/** Where the value (or its key) starts; for what is missing, where the map that lacks it starts. */
function offsetOf(document: Document, path: readonly (string | number)[], atKey: boolean): number {
  let node = document.contents as Node | null | undefined
  let offset = node?.range?.[0] ?? 0
  for (const [i, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document)
    let next: Node | null | undefined
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step))
      const key = pair?.key as Node | undefined
      next = pair?.value as Node | null | undefined
      if (key !== undefined && (next == null || (atKey && i === path.length - 1))) return key.range?.[0] ?? offset
    } else if (isSeq(node)) {
      next = node.items[Number(step)] as Node | undefined
    }
    if (next == null) return offset
    node = next
    offset = next.range?.[0] ?? offset
  }
  return offset
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    for (const part of Object.values(value)) frozen(part)
    Object.freeze(value)
  }
  return value
}
