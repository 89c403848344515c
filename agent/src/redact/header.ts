import { REDACT_NAMES } from '../limits.ts'
import type { Level, Mode } from './level.ts'
import { ALLOWED, RULE } from './names.ts'
import { MASK } from './output.ts'
import { writeUrl } from './url.ts'

/** What is done about a header; decided once for each name. */
type Treatment = 'credentials' | 'cookie' | 'set-cookie' | 'url' | 'links' | 'plain' | 'secret' | 'listed'

/** Schemes of RFC 7235 and its registry that may be told; anything else in their place may be the credential itself. */
const SCHEMES = new Set(
  'basic bearer digest negotiate ntlm hoba mutual dpop gnap scram-sha-256 aws4-hmac-sha256 apikey token hawk'.split(
    ' ',
  ),
)

const TREATMENTS = new Map<string, Treatment>([
  ['authorization', 'credentials'],
  ['proxy-authorization', 'credentials'],
  ['x-authorization', 'credentials'],
  ['x-forwarded-authorization', 'credentials'],
  ['authentication-info', 'secret'],
  ['proxy-authentication-info', 'secret'],
  ['x-client-cert', 'secret'],
  ['x-forwarded-client-cert', 'secret'],
  ['ssl-client-cert', 'secret'],
  ['cookie', 'cookie'],
  ['cookie2', 'cookie'],
  ['set-cookie', 'set-cookie'],
  ['set-cookie2', 'set-cookie'],
  ['referer', 'url'],
  ['location', 'url'],
  ['content-location', 'url'],
  ['origin', 'url'],
  ['destination', 'url'],
  ['x-original-url', 'url'],
  ['x-rewrite-url', 'url'],
  ['x-forwarded-uri', 'url'],
  ['x-original-uri', 'url'],
  ['x-http-destinationurl', 'url'],
  ['sourcemap', 'url'],
  [':path', 'url'],
  ['link', 'links'],
  ['refresh', 'links'],
  // Challenges and protocol data whose names only look like secrets.
  ['www-authenticate', 'plain'],
  ['proxy-authenticate', 'plain'],
])

/** Attributes of Set-Cookie (RFC 6265bis) that are no secret. */
const COOKIE_ATTRIBUTES = new Set(
  'expires max-age domain path secure httponly samesite partitioned priority version'.split(' '),
)

const treatments = new WeakMap<Level, Map<string, Treatment>>()

/** The value of the header `name` (lower case) as it may be sent. Credentials are masked in every mode. */
export function redactHeader(level: Level, mode: Mode, name: string, value: string): string {
  if (mode === 'schema') return 'string'
  const treatment = treatmentOf(level, mode, name)
  switch (treatment) {
    case 'credentials':
      return told(level, name, 'header:credentials', credentials(value))
    case 'cookie':
      return told(
        level,
        name,
        'header:cookie',
        value
          .split(';')
          .map((pair) => maskedCookie(level, pair))
          .join('; '),
      )
    case 'set-cookie':
      return told(level, name, 'header:cookie', setCookie(level, value))
    case 'secret':
      return told(level, name, 'header:secret', MASK)
  }
  if (mode === 'allow' && treatment !== 'listed') return told(level, name, 'mode:allow', MASK)
  const bytes = Buffer.from(value)
  const path = level.rules.report === undefined ? '' : `header ${name}`
  level.out.clear()
  const changed =
    treatment === 'url'
      ? writeUrl(level, bytes, 0, bytes.length, path)
      : treatment === 'links'
        ? writeLinks(level, bytes, path)
        : writeListed(level, bytes, treatment === 'listed', path)
  return changed ? level.out.buffer.toString('utf8', 0, level.out.length) : value
}

function told(level: Level, name: string, rule: string, value: string): string {
  level.report(rule, `header ${name}`)
  return value
}

function treatmentOf(level: Level, mode: Mode, name: string): Treatment {
  let known = treatments.get(level)
  if (known === undefined) {
    known = new Map()
    treatments.set(level, known)
  }
  let treatment = known.get(name)
  if (treatment === undefined) {
    treatment = decide(level, mode, name)
    if (known.size < REDACT_NAMES) known.set(name, treatment)
  }
  return treatment
}

function decide(level: Level, mode: Mode, name: string): Treatment {
  const fixed = TREATMENTS.get(name)
  if (fixed === 'credentials' || fixed === 'cookie' || fixed === 'set-cookie' || fixed === 'secret') return fixed
  const verdict = level.rules.names.verdictOf(name)
  if (fixed === undefined && (verdict & RULE) !== 0) return 'secret'
  if (mode === 'allow' && (verdict & ALLOWED) !== 0 && fixed === undefined) return 'listed'
  return fixed ?? 'plain'
}

/** `Bearer [redacted]`: the scheme may be told. */
function credentials(value: string): string {
  const space = value.indexOf(' ')
  const scheme = space < 0 ? '' : value.slice(0, space)
  return SCHEMES.has(scheme.toLowerCase()) ? `${scheme} ${MASK}` : MASK
}

/** `name=[redacted]`; what has no `=` is a value. */
function maskedCookie(level: Level, pair: string): string {
  const equals = pair.indexOf('=')
  if (equals <= 0) return MASK
  const name = Buffer.from(pair.slice(0, equals).trim())
  // Names of cookies can be secrets, too.
  return level.scanner.scan(name, 0, name.length) > 0 || name.length > 64 ? `${MASK}=${MASK}` : `${name}=${MASK}`
}

function setCookie(level: Level, value: string): string {
  const [cookie = '', ...attributes] = value.split(';')
  const kept = attributes
    .map((attribute) => attribute.trim())
    .filter((attribute) => {
      const [name = ''] = attribute.split('=', 1)
      return COOKIE_ATTRIBUTES.has(name.toLowerCase()) && attribute.length <= 128
    })
  return [maskedCookie(level, cookie), ...kept].join('; ')
}

function writeListed(level: Level, bytes: Buffer, listed: boolean, path: string): boolean {
  level.scanner.personal = !listed
  const changed = level.text(bytes, 0, bytes.length, 'raw', path)
  level.scanner.personal = true
  return changed
}

/** `<https://...>; rel=next, <...>` and `5; url=https://...`: the URLs in a list, the rest as text. */
function writeLinks(level: Level, bytes: Buffer, path: string): boolean {
  let changed = false
  for (let i = 0; i < bytes.length; ) {
    let start = i
    while (start < bytes.length && bytes[start] !== 60 && !isUrlAssignment(bytes, start)) start++
    if (start < bytes.length) start++
    if (level.text(bytes, i, start, 'raw', path)) changed = true
    let stop = start
    while (stop < bytes.length && bytes[stop] !== 62 && bytes[stop] !== 32) stop++
    if (writeUrl(level, bytes, start, stop, path)) changed = true
    i = stop
  }
  return changed
}

function isUrlAssignment(bytes: Buffer, at: number): boolean {
  return bytes[at] === 61 && at >= 3 && bytes.toString('latin1', at - 3, at).toLowerCase() === 'url'
}
