import type { Board } from '@callsight/dashboards'
import { limits } from './limits.ts'

/** A panel's answer as the collector gives it; times are epoch milliseconds. */
export interface Answer {
  columns: { name: string; type: 'time' | 'number' | 'text' }[]
  rows: (string | number | null)[][]
}

export interface Question {
  panel: number
  refId: string
  from: number
  to: number
  intervalMs: number
  variables: Record<string, string[]>
}

export interface Boards {
  boards: { uid: string; title: string }[]
  /** RFC 3339, or null when no call has ever arrived. */
  newest_call: string | null
}

/** The collector wants a token, or another one. */
export class TokenNeeded extends Error {}

/** The collector does not do what it is asked for; the message is its own. */
export class Refused extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const tokenKey = 'callsight-token'

/** Keeps the token until the tab is closed. */
export function keepToken(token: string): void {
  sessionStorage.setItem(tokenKey, token)
}

export const listBoards = () => api<Boards>('/boards')
export const loadBoard = (uid: string) => api<Board>(`/boards/${encodeURIComponent(uid)}`)

export async function loadOptions(uid: string, variable: string, from: number, to: number): Promise<string[]> {
  const path = `/boards/${encodeURIComponent(uid)}/variables/${encodeURIComponent(variable)}?from=${from}&to=${to}`
  return (await api<{ options: string[] }>(path)).options
}

export function ask(uid: string, question: Question, signal: AbortSignal): Promise<Answer> {
  return api<Answer>(`/boards/${encodeURIComponent(uid)}/query`, {
    ...send('POST', question),
    signal: AbortSignal.any([signal, AbortSignal.timeout(limits.answerMs)]),
  })
}

/** Asks the API; undefined for an answer without a body. @throws TokenNeeded, Refused */
export async function api<T>(path: string, request: RequestInit = {}): Promise<T> {
  const response = await answerOf(path, request)
  return (response.status === 204 ? undefined : await response.json()) as T
}

/** A request that carries JSON. */
export function send(method: 'POST', body: unknown): RequestInit {
  return { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

/** The same where the answer is not one piece of JSON. @throws TokenNeeded, Refused */
export async function answerOf(path: string, request: RequestInit): Promise<Response> {
  const headers = new Headers(request.headers)
  const token = sessionStorage.getItem(tokenKey)
  if (token !== null) headers.set('authorization', `Bearer ${token}`)
  const response = await fetch(`/api/v1${path}`, { ...request, headers }).catch((error: Error) => {
    if (error.name === 'AbortError') throw error
    throw new Error(error.name === 'TimeoutError' ? 'no answer in time' : 'the collector does not answer')
  })
  if (response.ok) return response
  const problem = (await response.json().catch(() => ({}))) as { detail?: string }
  const detail = problem.detail ?? `the collector answered ${response.status}`
  throw response.status === 401 ? new TokenNeeded(detail) : new Refused(response.status, detail)
}
