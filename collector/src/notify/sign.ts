import { createHmac } from 'node:crypto'

/**
 * The headers of one notice after the Standard Webhooks specification: `webhook-signature` is, for each secret, `v1,` and
 * the base64 HMAC-SHA256 of `id.timestamp.body`, with a space between them. So a receiver can change its secret while the
 * old one still signs.
 *
 * @param secrets `whsec_` and the base64 of the key, or the key as plain text; none leaves the signature out
 * @param timestampS epoch seconds of this attempt, so that a receiver can refuse what is replayed later
 */
export function signedHeaders(
  secrets: readonly string[],
  id: string,
  timestampS: number,
  body: string,
): Record<string, string> {
  const headers = { 'webhook-id': id, 'webhook-timestamp': String(timestampS) }
  if (secrets.length === 0) return headers
  const signatures = secrets.map((secret) => {
    const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret, 'utf8')
    return `v1,${createHmac('sha256', key).update(`${id}.${timestampS}.${body}`).digest('base64')}`
  })
  return { ...headers, 'webhook-signature': signatures.join(' ') }
}
