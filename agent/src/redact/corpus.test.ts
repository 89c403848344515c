import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { compileRedactor, type Finding } from './redactor.ts'

// Precision and recall on examples that others published; where they are from stands in the file.

interface Corpus {
  keys: [rule: string, yes: [text: string, secret: string][], no: string[]][]
  card: [string, boolean][]
  email: [string, boolean][]
  iban: [string, boolean][]
  ssn: [string, boolean][]
}

const corpus = JSON.parse(readFileSync(new URL('fixtures/published.json', import.meta.url), 'utf8')) as Corpus
const findings: Finding[] = []
const redactor = compileRedactor({ mode: 'masked', names: [], paths: [], allow: [] }, (finding) =>
  findings.push(finding),
)
const decode = (text: string) => Buffer.from(text, 'base64').toString()

function redact(text: string): string {
  findings.length = 0
  return redactor.body(Buffer.from(text), 'text/plain', true)!.toString()
}

interface Score {
  right: number
  wrong: number
  missed: number
}

const precision = ({ right, wrong }: Score) => right / (right + wrong)
const recall = ({ right, missed }: Score) => right / (right + missed)

function count(cases: [string, boolean][], rule: string): Score {
  const score = { right: 0, wrong: 0, missed: 0 }
  for (const [text, isOne] of cases) {
    redact(decode(text))
    const found = findings.some((finding) => finding.rule === rule)
    if (found && isOne) score.right++
    else if (found) score.wrong++
    else if (isOne) score.missed++
  }
  return score
}

/** A key counts as found when nothing of it is left as a whole, whichever rule did it. */
function countKeys(): Score {
  const score = { right: 0, wrong: 0, missed: 0 }
  for (const [, yes, no] of corpus.keys) {
    for (const [text, secret] of yes) {
      if (redact(decode(text)).includes(decode(secret))) score.missed++
      else score.right++
    }
    for (const text of no) {
      redact(decode(text))
      if (findings.some(({ rule }) => /^shape:(provider-key|jwt|private-key|random)$/.test(rule))) score.wrong++
    }
  }
  return score
}

/**
 * What was measured, rounded down. The negative examples are strings that are no address or number as a whole; that
 * `Joe <email@domain.com>` holds one counts as false here. Those for keys are placeholders such as `ghp_xxxx…`.
 */
const FLOORS: Record<string, [precision: number, recall: number]> = {
  'card numbers': [0.91, 1],
  'e-mail addresses': [0.75, 0.93],
  IBAN: [1, 0.99],
  'US social security numbers': [1, 0.5],
  'keys and tokens of 189 providers': [0.91, 0.93],
}

test('precision and recall of the detectors do not fall', () => {
  const scores: Record<string, Score> = {
    'card numbers': count(corpus.card, 'shape:card'),
    'e-mail addresses': count(corpus.email, 'shape:email'),
    IBAN: count(corpus.iban, 'shape:iban'),
    'US social security numbers': count(corpus.ssn, 'shape:ssn'),
    'keys and tokens of 189 providers': countKeys(),
  }
  const rows = Object.entries(scores).map(([name, score]) => {
    const { right, wrong, missed } = score
    return `| ${name} | ${right + missed} | ${precision(score).toFixed(3)} | ${recall(score).toFixed(3)} | ${wrong} |`
  })
  console.log(`| detector | examples | precision | recall | false |\n|---|---|---|---|---|\n${rows.join('\n')}`)
  for (const [name, [least, most]] of Object.entries(FLOORS)) {
    expect(precision(scores[name]!), `precision, ${name}`).toBeGreaterThanOrEqual(least)
    expect(recall(scores[name]!), `recall, ${name}`).toBeGreaterThanOrEqual(most)
  }
})
