import type { Command } from 'commander'

/** A running collector, as the flags name it. */
export interface Connection {
  url: string
  token?: string
}

/** Said to the user as it is; exit code 1. */
export class Refusal extends Error {}

/** Adds the flags by which a command finds a running collector. */
export function connected(command: Command): Command {
  return command
    .option('--url <url>', 'the collector (or CALLSIGHT_URL)', process.env.CALLSIGHT_URL ?? 'http://127.0.0.1:4319')
    .option('--token <token>', 'a token with the scope admin (or CALLSIGHT_TOKEN)')
}

/** Runs a command; a refusal is printed and makes exit code 1. */
export async function answered(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}

/**
 * Asks the API of a running collector.
 *
 * @returns what the answer's JSON says, undefined for an answer without a body
 * @throws Refusal with words for the user
 */
export async function ask(connection: Connection, method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await answerOf(connection, method, path, body)
  return response.status === 204 ? undefined : response.json()
}

/** The same, as text. */
export async function askText(connection: Connection, method: string, path: string): Promise<string> {
  const response = await answerOf(connection, method, path)
  return response.text()
}

/** The same where the answer comes line by line, as JSON. @throws Refusal */
export async function* askLines(connection: Connection, path: string, body: unknown): AsyncGenerator<unknown> {
  const response = await answerOf(connection, 'POST', path, body)
  let rest = ''
  for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split('\n')
    rest = lines.pop()!
    for (const line of lines) yield JSON.parse(line)
  }
}

async function answerOf(
  { url, token = process.env.CALLSIGHT_TOKEN }: Connection,
  method: string,
  path: string,
  body?: unknown,
): Promise<Response> {
  const address = addressOf(path, url)
  let response: Response
  try {
    response = await fetch(address, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  } catch (error) {
    const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined
    const reason = cause?.code ?? cause?.message ?? String(error)
    throw new Refusal(
      `no collector answers at ${address.origin} (${reason}): start one with "callsight up", or name it with --url or CALLSIGHT_URL`,
    )
  }
  if (response.ok) return response
  const detail = await detailOf(response)
  if (response.status === 401 || response.status === 403) {
    throw new Refusal(`${detail}\nGive a token with the scope admin by --token or CALLSIGHT_TOKEN.`)
  }
  throw new Refusal(detail)
}

function addressOf(path: string, url: string): URL {
  try {
    return new URL(path, url)
  } catch {
    throw new Refusal(`${JSON.stringify(url)} is not a URL: write --url http://127.0.0.1:4319`)
  }
}

/** The collector says what is wrong in a problem document; anything else is not a collector. */
async function detailOf(response: Response): Promise<string> {
  const text = await response.text()
  try {
    const { detail } = JSON.parse(text) as { detail?: unknown }
    if (typeof detail === 'string') return detail
  } catch {}
  return `${new URL(response.url).origin} answered HTTP ${response.status}: is this a collector?`
}
