import { limits } from '../limits.ts'

/** The token is not there, or not one of a consumer. */
export class TokenNeeded extends Error {}

// Not the viewer's own: who looks at both keeps both.
const key = 'callsight-portal-token'

export function keepToken(token: string): void {
  sessionStorage.setItem(key, token)
}

export function forgetToken(): void {
  sessionStorage.removeItem(key)
}

/** Asks the API as the consumer whose token was given; what it answers as text. */
export async function askText(path: string): Promise<string> {
  return (await answerOf(path)).text()
}

/** The same as JSON; undefined where there is nothing of the kind (404). */
export async function ask<T>(path: string): Promise<T | undefined> {
  const response = await answerOf(path)
  return response.status === 404 ? undefined : ((await response.json()) as T)
}

async function answerOf(path: string): Promise<Response> {
  const token = sessionStorage.getItem(key)
  const response = await fetch(`/api/v1/${path}`, {
    headers: token === null ? {} : { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(limits.answerMs),
  }).catch((error: Error) => {
    throw new Error(error.name === 'TimeoutError' ? 'no answer in time' : 'the service does not answer')
  })
  if (response.ok || response.status === 404) return response
  const { detail } = (await response.json().catch(() => ({}))) as { detail?: string }
  const words = detail ?? `the service answered ${response.status}`
  throw response.status === 401 ? new TokenNeeded(words) : new Error(words)
}
