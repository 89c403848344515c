import type { PeerCertificate, TLSSocket } from 'node:tls'

/**
 * Whom a client's certificate names, once the server has verified it: a URI of its subject alternative names (a SPIFFE
 * id before any other), else its common name, else `sha256:` and its fingerprint.
 */
export function certificateId(socket: Pick<TLSSocket, 'getPeerCertificate'>): string | undefined {
  const certificate: Partial<PeerCertificate> | null = socket.getPeerCertificate()
  if (certificate === null || certificate.fingerprint256 === undefined) return undefined
  const uris = alternativeUris(certificate.subjectaltname ?? '')
  const name: string | string[] | undefined = certificate.subject?.CN
  const common = Array.isArray(name) ? name[0] : name
  return (
    uris.find((uri) => uri.startsWith('spiffe://')) ??
    uris[0] ??
    (common || `sha256:${certificate.fingerprint256.replaceAll(':', '').toLowerCase()}`)
  )
}

/**
 * The URIs in Node's text of subject alternative names, `URI:spiffe://a/b, DNS:c`. Node quotes a name that contains
 * a comma or a quotation mark as a JSON string, so that no name can pretend to be two; such a URI is not used.
 */
function alternativeUris(names: string): string[] {
  const unquoted = names.replace(/"(?:[^"\\]|\\.)*"/g, '""')
  return unquoted
    .split(', ')
    .filter((name) => name.startsWith('URI:') && !name.includes('"'))
    .map((name) => name.slice(4))
    .filter((uri) => uri !== '')
}
