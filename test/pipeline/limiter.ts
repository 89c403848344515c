import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/*
 * Servers that allow so many requests in a window and say so, each in the words of somebody. They keep their own account,
 * which is what ours is held against.
 */

/** How a server stands, as it knows it. */
export interface Account {
  readonly allowed: number
  used: number
  refused: number
  readonly endsMs: number
}

type Fields = Record<string, string | string[]>

const seconds = ({ endsMs }: Account) => Math.ceil((endsMs - Date.now()) / 1000)
const left = ({ allowed, used }: Account) => String(allowed - used)

/** What each says in an answer. */
export const dialects: Record<string, (account: Account, refused: boolean) => Fields> = {
  lists: (account) => ({
    'RateLimit-Policy': ['"hourly";q=20;w=3600', '"daily";q=1000;w=86400'],
    RateLimit: `"hourly";r=${left(account)};t=${seconds(account)}`,
  }),
  'draft 07': (account) => ({
    'RateLimit-Policy': '20;w=3600',
    RateLimit: `limit=20, remaining=${left(account)}, reset=${seconds(account)}`,
  }),
  GitHub: (account) => ({
    'X-RateLimit-Limit': '20',
    'X-RateLimit-Remaining': left(account),
    'X-RateLimit-Used': String(account.used),
    'X-RateLimit-Reset': String(account.endsMs / 1000),
    'X-RateLimit-Resource': 'core',
  }),
  X: (account) => ({
    'x-rate-limit-limit': '20',
    'x-rate-limit-remaining': left(account),
    'x-rate-limit-reset': String(account.endsMs / 1000),
  }),
  'draft 03': (account) => ({
    'RateLimit-Limit': '20, 20;w=3600',
    'RateLimit-Remaining': left(account),
    'RateLimit-Reset': String(seconds(account)),
  }),
  Discord: (account, refused) => ({
    'X-RateLimit-Limit': '20',
    'X-RateLimit-Remaining': left(account),
    'X-RateLimit-Reset': '0',
    'X-RateLimit-Reset-After': String((account.endsMs - Date.now()) / 1000),
    ...(refused && { 'Retry-After': String(seconds(account)) }),
  }),
  OpenAI: (account) => ({
    'x-ratelimit-limit-requests': '20',
    'x-ratelimit-remaining-requests': left(account),
    'x-ratelimit-reset-requests': `${Math.floor(seconds(account) / 60)}m${seconds(account) % 60}s`,
  }),
  Vimeo: (account) => ({
    'X-RateLimit-Limit': '20',
    'X-RateLimit-Remaining': left(account),
    'X-RateLimit-Reset': new Date(account.endsMs).toISOString(),
  }),
  Slack: (account, refused) => (refused ? { 'Retry-After': new Date(account.endsMs).toUTCString() } : {}),
  Shopify: ({ used }) => ({ 'X-Shopify-Shop-Api-Call-Limit': `${used}/20` }),
  Linear: (account) => ({
    'X-RateLimit-Requests-Limit': '20',
    'X-RateLimit-Requests-Remaining': left(account),
    'X-RateLimit-Requests-Reset': String(account.endsMs),
  }),
}

/** The name of the quota in our store, where its server has one for it. */
export const policies: Record<string, string> = {
  lists: 'hourly',
  GitHub: 'core',
  Linear: 'requests',
  OpenAI: 'requests',
}

export interface Limiter {
  readonly dialect: string
  readonly url: string
  readonly port: number
  readonly account: Account
  close(): void
}

/** Starts a server that allows 20 requests until a time. */
export async function startLimiter(dialect: string, endsMs: number): Promise<Limiter> {
  const account: Account = { allowed: 20, used: 0, refused: 0, endsMs }
  const server = createServer((_request, response) => {
    const refused = account.used >= account.allowed
    if (refused) account.refused++
    else account.used++
    const status = refused ? (dialect === 'GitHub' ? 403 : 429) : 200
    response.writeHead(status, dialects[dialect]!(account, refused)).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { dialect, url: `http://127.0.0.1:${port}/things/7`, port, account, close: () => void server.close() }
}
