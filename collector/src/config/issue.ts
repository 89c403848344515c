import type { z } from 'zod'
import { nearest, type Problem, pathText, quoted } from './fault.ts'
import { keys } from './schema/file.ts'

type Path = (string | number)[]

/** Says what zod found in our words. An issue about several unknown keys becomes one problem for each. */
export function problemsOf(error: z.ZodError): Problem[] {
  return error.issues.flatMap((issue): Problem[] => {
    const path = issue.path as Path
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey([...path, key]))
    if (issue.code === 'custom') return [{ path, what: issue.message, remedy: String(issue.params?.remedy) }]
    if (issue.code === 'invalid_type') {
      if (issue.expected === 'array')
        return [{ path, what: 'is not a list', remedy: 'write [a, b] or one "- a" a line' }]
      return [{ path, what: 'is not a map', remedy: 'write key: value pairs' }]
    }
    return [{ path, what: issue.message, remedy: 'see docs/configuration.md' }]
  })
}

/** True for a problem that is about a key and not about its value. */
export function isAboutKey(problem: Problem): boolean {
  return problem.what.startsWith('unknown key') || problem.what.startsWith('the key ')
}

function unknownKey(path: Path): Problem {
  const key = String(path.at(-1))
  const { known, later } = keys[pattern(path.slice(0, -1))] ?? { known: [], later: [] }
  if (later.includes(key)) return { path, what: `the key ${key} is not supported yet`, remedy: 'remove it' }
  const near = nearest(key, [...known, ...later])
  const remedy = near === undefined ? `the keys here are ${known.join(', ')}` : `did you mean ${near}?`
  return { path, what: `unknown key ${quoted(key)}`, remedy }
}

/** `plans.gold.quotas[0]` as `plans.*.quotas[]`. */
function pattern(path: Path): string {
  const named = path[0] === 'plans' || path[0] === 'channels'
  return pathText(path.map((step, i) => (named && i === 1 ? '*' : step))).replace(/\[\d+\]/g, '[]')
}
