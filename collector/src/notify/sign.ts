import { createHmac } from 'node:crypto'

/**
 * The headers of one notice after the Standard Webhooks specification: `webhook-signature` is
 * `v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`.
 *
 * @param secret `whsec_` and the base64 of the key, or the key as plain text; undefined leaves the signature out
 * @param timestampS epoch seconds of this attempt, so that a receiver can refuse what is replayed later
 */
export function signedHeaders(
  secret: string | undefined,
  id: string,
  timestampS: number,
  body: string,
): Record<string, string> {
  const headers = { 'webhook-id': id, 'webhook-timestamp': String(timestampS) }
  if (secret === undefined) return headers
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret, 'utf8')
  const signature = createHmac('sha256', key).update(`${id}.${timestampS}.${body}`).digest('base64')
  return { ...headers, 'webhook-signature': `v1,${signature}` }
}
