import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { compileRedactor, type Finding, MODES, type Mode, type Redactor } from '@callsight/agent/redact'
import { Command, InvalidArgumentError, Option } from 'commander'

interface RedactCommandOptions {
  dryRun: boolean
  type?: string
  mode: Mode
  name: string[]
  path: string[]
  allow: string[]
}

const TYPES = new Map([
  ['.json', 'application/json'],
  ['.ndjson', 'application/x-ndjson'],
  ['.jsonl', 'application/x-ndjson'],
  ['.form', 'application/x-www-form-urlencoded'],
  ['.xml', 'application/xml'],
  ['.html', 'text/html'],
  ['.htm', 'text/html'],
  ['.graphql', 'application/graphql'],
  ['.gql', 'application/graphql'],
  ['.csv', 'text/csv'],
  ['.yaml', 'text/yaml'],
  ['.yml', 'text/yaml'],
])

/**
 * `callsight redact --dry-run FILE`: what the agent would mask in a body, by which rule, and what is left. Exit code 0
 * when done, 1 for a file that cannot be read, 2 for wrong usage.
 */
export function redactCommand(): Command {
  return new Command('redact')
    .description('Show what the agent would mask in a body, by which rule, and what is left of it')
    .argument('<file>', 'a body as it travels; - reads standard input')
    .requiredOption('--dry-run', 'show it; nothing is written anywhere')
    .option('--type <content-type>', 'content type of the body (default: by the extension, else by its first bytes)')
    .addOption(new Option('--mode <mode>', 'how much is kept').choices([...MODES]).default('masked'))
    .option('--name <name>', 'one more field name to mask; may be repeated', gathered, [])
    .option('--path <path>', 'a JSON path to mask, $.user.address; may be repeated', gatheredPath, [])
    .option('--allow <name-or-path>', 'mode allow: what survives; may be repeated', gathered, [])
    .action((file: string, options: RedactCommandOptions) => {
      const bytes = read(file)
      const type = options.type ?? TYPES.get(extname(file).toLowerCase()) ?? guessType(bytes)
      const findings: Finding[] = []
      const redactor = compile(options, (finding) => findings.push(finding))
      process.stdout.write(report(type, findings, redactor.body(bytes, type, true)))
    })
}

function compile({ mode, name, path, allow }: RedactCommandOptions, onFinding: (finding: Finding) => void): Redactor {
  return compileRedactor({ mode, names: name, paths: path, allow }, onFinding)
}

function read(file: string): Buffer {
  try {
    return readFileSync(file === '-' ? 0 : file)
  } catch (error) {
    throw new Error(`cannot read ${file}: ${(error as Error).message}`)
  }
}

/** What a body without a known extension most likely is; text when nothing else fits. */
function guessType(bytes: Buffer): string {
  const text = bytes.toString('latin1', 0, 1024).trimStart()
  if (/^[{[]/.test(text)) return 'application/json'
  if (/^<(!doctype html|html)/i.test(text)) return 'text/html'
  if (text.startsWith('<')) return 'application/xml'
  const boundary = /^--([^\s-][^\r\n]{0,70}?)\r?\n/.exec(text)?.[1]
  if (boundary !== undefined) return `multipart/form-data; boundary="${boundary}"`
  return /^[^\s=&]+=[^\s&]*(&[^\s=&]+=[^\s&]*)*\s*$/.test(text) ? 'application/x-www-form-urlencoded' : 'text/plain'
}

function report(type: string, findings: Finding[], body: Buffer | undefined): string {
  const lines = [`read as ${type}`]
  const width = Math.max(0, ...findings.map(({ path }) => path.length))
  for (const { path, rule } of findings) lines.push(`  ${path.padEnd(width)}  ${rule}`)
  const counts = new Map<string, number>()
  for (const { rule } of findings) counts.set(rule, (counts.get(rule) ?? 0) + 1)
  const parts = [...counts].sort().map(([rule, count]) => `${rule} ${count}`)
  lines.push(`${findings.length} masked${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`)
  lines.push(
    '',
    body === undefined ? 'nothing of it is kept: the mode or the content type does not allow it' : body.toString(),
  )
  return `${lines.join('\n')}\n`
}

function gathered(value: string, before: string[]): string[] {
  return [...before, value]
}

/** A path that cannot be read is wrong usage. */
function gatheredPath(value: string, before: string[]): string[] {
  try {
    compileRedactor({ mode: 'masked', names: [], paths: [value], allow: [] })
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
  return [...before, value]
}
