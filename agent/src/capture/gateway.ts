import type { Consumer, Headers } from '../call.ts'
import { acceptField } from './consumer.ts'

/**
 * Headers in which gateways say whom they have authenticated, tried in turn: Kong and Apache APISIX (consumer,
 * credential), AWS Application Load Balancer, Azure App Service, Google Identity-Aware Proxy, oauth2-proxy. Tyk, Apigee,
 * Azure API Management and AWS API Gateway send none by themselves: a rule there sets one, `gatewayHeaders` names it.
 */
export const GATEWAY_HEADERS: readonly string[] = [
  'x-consumer-custom-id',
  'x-consumer-id',
  'x-consumer-username',
  'x-credential-identifier',
  'x-amzn-oidc-identity',
  'x-ms-client-principal-id',
  'x-goog-authenticated-user-id',
  'x-auth-request-user',
]

/** The consumer that a trusted gateway names. */
export function gatewayConsumer(headers: Headers, names: readonly string[]): Consumer | undefined {
  // Kong's stand-in for callers it does not know.
  if (headers['x-anonymous-consumer'] === 'true') return undefined
  for (const header of names) {
    const id = acceptField(headers[header])
    if (id === undefined) continue
    const name = header.startsWith('x-consumer-') ? acceptField(headers['x-consumer-username']) : undefined
    return name === undefined || name === id ? { id } : { id, name }
  }
  return undefined
}
