import { readFileSync, statSync } from 'node:fs'
import { isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from 'yaml'
import { type Fault, type Problem, Unreadable } from '../config/fault.ts'
import { limits } from '../limits.ts'

/** One document of a file that another tool owns, with a way to tell where in it something stands. */
export interface Source {
  readonly value: Readonly<Record<string, unknown>>
  fault(problem: Problem): Fault
}

/** Objectives and alert rules in the words of callsight.yaml, and what could not be said in them. */
export interface Imported {
  readonly objectives: readonly Written[]
  readonly alerts: readonly Written[]
  readonly faults: readonly Fault[]
}

/** An entry of callsight.yaml, and where in its source it comes from. */
export interface Written {
  readonly value: Readonly<Record<string, unknown>>
  readonly source: Source
  readonly path: readonly (string | number)[]
}

/** The YAML or JSON documents of a file. A file that cannot be read is a fault at its first character. */
export function readSources(file: string): { sources: Source[]; faults: Fault[] } {
  try {
    const { size } = statSync(file)
    if (size > limits.configBytes) throw new Error(`it has ${size} bytes, more than ${limits.configBytes}`)
    return parseSources(readFileSync(file, 'utf8'), file)
  } catch (error) {
    const what = `cannot be read: ${error instanceof Error ? error.message : error}`
    return {
      sources: [],
      faults: [{ file, line: 1, column: 1, path: [], what, remedy: 'check the path and its permissions' }],
    }
  }
}

/** @param file stands in the faults */
export function parseSources(text: string, file: string): { sources: Source[]; faults: Fault[] } {
  const lines = new LineCounter()
  const place = (problem: Problem, offset: number): Fault => {
    const { line, col } = lines.linePos(offset)
    return { file, line: Math.max(line, 1), column: Math.max(col, 1), ...problem }
  }
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false })
  const faults: Fault[] = []
  const sources: Source[] = []
  for (const document of 'empty' in documents ? [] : documents) {
    for (const error of document.errors) {
      faults.push(place({ path: [], what: error.message, remedy: 'correct the YAML here' }, error.pos[0]))
    }
    if (document.errors.length > 0 || document.contents === null) continue
    const root = document.contents as Node
    // A list of objects is as good as one document for each.
    const items = isSeq(root)
      ? root.items.map((item, i) => ({ node: item as Node, at: [i] }))
      : [{ node: root, at: [] }]
    for (const { node } of items) {
      if (!isMap(node)) {
        faults.push(place({ path: [], what: 'is not a map', remedy: 'write key: value pairs' }, node.range?.[0] ?? 0))
        continue
      }
      const value = node.toJS(document) as Record<string, unknown>
      sources.push({ value, fault: (problem) => place(problem, offsetOf(node, problem.path)) })
    }
  }
  return { sources, faults }
}

/** Where a value starts; of what is missing, where the map that lacks it starts. */
function offsetOf(root: Node, path: readonly (string | number)[]): number {
  let node: Node = root
  for (const step of path) {
    const next = isMap(node)
      ? node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step))?.value
      : isSeq(node)
        ? node.items[Number(step)]
        : undefined
    if (next === null || next === undefined) break
    node = next as Node
  }
  return node.range?.[0] ?? 0
}

/** Runs `read`; what it cannot read becomes a fault at the path. */
export function attempt<T>(
  source: Source,
  path: readonly (string | number)[],
  faults: Fault[],
  read: () => T,
): T | undefined {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    faults.push(source.fault({ path, what: error.message, remedy: error.remedy }))
    return undefined
  }
}

/** @throws Unreadable when it is no text, or empty */
export function textOf(value: unknown, what: string): string {
  if ((typeof value === 'string' && value.trim() !== '') || typeof value === 'number') return String(value)
  throw new Unreadable(`${what} is missing`, 'add it')
}

/** Leaves out what is undefined, so that it can be written as YAML. */
export function written(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined))
}
