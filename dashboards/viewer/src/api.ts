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

const tokenKey = 'callsight-token'

/** Keeps the token until the tab is closed. */
export function keepToken(token: string): void {
  sessionStorage.setItem(tokenKey, token)
}

export const listBoards = () => call<Boards>('')
export const loadBoard = (uid: string) => call<Board>(`/${encodeURIComponent(uid)}`)

export async function loadOptions(uid: string, variable: string, from: number, to: number): Promise<string[]> {
  const path = `/${encodeURIComponent(uid)}/variables/${encodeURIComponent(variable)}?from=${from}&to=${to}`
  return (await call<{ options: string[] }>(path)).options
}

export function ask(uid: string, question: Question, signal: AbortSignal): Promise<Answer> {
  return call<Answer>(`/${encodeURIComponent(uid)}/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(question),
    signal: AbortSignal.any([signal, AbortSignal.timeout(limits.answerMs)]),
  })
}

async function call<T>(path: string, request: RequestInit = {}): Promise<T> {
  const headers = new Headers(request.headers)
  const token = sessionStorage.getItem(tokenKey)
  if (token !== null) headers.set('authorization', `Bearer ${token}`)
  const response = await fetch(`/api/v1/boards${path}`, { ...request, headers }).catch((error: Error) => {
    if (error.name === 'AbortError') throw error
    throw new Error(error.name === 'TimeoutError' ? 'no answer in time' : 'the collector does not answer')
  })
  if (response.ok) return (await response.json()) as T
  const problem = (await response.json().catch(() => ({}))) as { detail?: string }
  const detail = problem.detail ?? `the collector answered ${response.status}`
  throw response.status === 401 ? new TokenNeeded(detail) : new Error(detail)
}
