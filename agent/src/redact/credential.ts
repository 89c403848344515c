import { ALNUM, DASH, DIGIT, holds, KIND, LOWER, UPPER, WORD } from './bytes.ts'

interface Kind {
  prefix: string
  /** Characters that must follow for the prefix to be more than a word. */
  least: number
  /** The bytes that may follow, as bits. */
  of: number
  dots: boolean
}

/** Prefixes under which providers issue keys, from their own documentation of token formats. */
const KINDS: Kind[] = [
  // Stripe, OpenAI, Anthropic, Square
  ...kinds('sk_live_ sk_test_ rk_live_ rk_test_ whsec_ sk-ant- sk-proj- sk-svcacct- sq0atp- sq0csp-', 10, WORD),
  ...kinds('sk-', 20, WORD),
  // GitHub, GitLab
  ...kinds('ghp_ gho_ ghu_ ghs_ ghr_ github_pat_', 16, ALNUM | DASH),
  ...kinds('glpat- gldt- glrt- glcbt- glptt- glft- glimt- glagent- gloas- glsoat- glffct-', 10, WORD),
  // Slack
  ...kinds('xoxb- xoxa- xoxp- xoxr- xoxs- xoxe- xoxe. xoxc- xoxd- xapp-', 8, WORD),
  // AWS, Google
  ...kinds('AKIA ASIA ABIA ACCA A3T', 16, UPPER | DIGIT),
  ...kinds('AIza', 30, WORD),
  ...kinds('ya29.', 16, WORD),
  ...kinds('GOCSPX- 1//0', 16, WORD),
  // SendGrid, Mailgun, Sendinblue, Resend
  ...kinds('SG.', 20, WORD, true),
  ...kinds('key-', 32, LOWER | DIGIT),
  ...kinds('xkeysib- xsmtpsib- re_', 20, WORD),
  // Package registries
  ...kinds('npm_ rubygems_ cio', 30, ALNUM),
  ...kinds('pypi-', 16, WORD),
  // Shopify, Hugging Face, DigitalOcean, Heroku, Databricks
  ...kinds('shpat_ shpca_ shppa_ shpss_', 16, ALNUM),
  ...kinds('hf_ hf_api_', 20, ALNUM),
  ...kinds('api_org_', 30, ALNUM),
  ...kinds('dop_v1_ doo_v1_ dor_v1_ HRKU-', 20, WORD),
  ...kinds('dapi', 32, LOWER | DIGIT),
  // Atlassian, Linear, Notion, Postman, Figma, Doppler, HashiCorp Vault
  ...kinds('ATATT3 ATCTT3 lin_api_ ntn_ PMAK- figd_ figdr_', 20, WORD),
  ...kinds('dp.pt. dp.st. dp.ct. dp.sa. hvs. hvb. hvr.', 20, WORD),
  // Monitoring
  ...kinds('NRAK- NRII- NRIQ- NRRA- glc_ glsa_ sntrys_ sntryu_ dt0c01.', 16, WORD, true),
  // Databases, hosts and others
  ...kinds('pscale_tkn_ pscale_pw_ pscale_oauth_ sbp_ pul- tskey- fio-u- fo1_ r8_ gsk_ xai-', 16, WORD),
  ...kinds('AGE-SECRET-KEY-1', 20, WORD),
  ...kinds('LTAI p8e- s-s4t2ud- s-s4t2af-', 12, WORD),
  ...kinds('EAACEdEose0cBA EZAK EZTK', 20, ALNUM),
]

function kinds(prefixes: string, least: number, of: number, dots = false): Kind[] {
  return prefixes.split(' ').map((prefix) => ({ prefix, least, of, dots }))
}

/** The kinds by the first two bytes of their prefix: nearly all words of a text end here. */
const BY_START = new Map<number, Kind[]>()
const MAY_START = new Uint8Array(1 << 16)
for (const kind of KINDS) {
  const start = (kind.prefix.charCodeAt(0) << 8) | kind.prefix.charCodeAt(1)
  BY_START.set(start, [...(BY_START.get(start) ?? []), kind])
  MAY_START[start] = 1
}

/** The end of a provider's key that starts at `start`, or 0. */
export function providerKeyEnd(bytes: Buffer, start: number, end: number): number {
  if (start + 2 > end) return 0
  const first = (bytes[start]! << 8) | bytes[start + 1]!
  if (MAY_START[first] === 0) return 0
  for (const { prefix, least, of, dots } of BY_START.get(first)!) {
    if (!holds(bytes, start, end, prefix)) continue
    let i = start + prefix.length
    const from = i
    while (i < end && ((KIND[bytes[i]!]! & of) !== 0 || (dots && bytes[i] === 46))) i++
    if (i - from < least) continue
    // The whole word goes, also where its tail leaves the alphabet of the kind.
    while (i < end && (KIND[bytes[i]!]! & WORD) !== 0) i++
    return i
  }
  return 0
}

/**
 * The end of a JSON Web Token, signed or encrypted (RFC 7519, 7516), that starts at `start`: base64url of `{"` is `eyJ`.
 * A long piece without a dot counts too: it is JSON that nobody should be able to unpack. 0 when there is none.
 */
export function jwtEnd(bytes: Buffer, start: number, end: number): number {
  if (bytes[start + 1] !== 121 || bytes[start + 2] !== 74) return 0
  let i = start + 3
  while (i < end && (KIND[bytes[i]!]! & WORD) !== 0) i++
  const dotted = i < end && bytes[i] === 46
  if (i - start < (dotted ? 10 : 24)) return 0
  while (i < end && ((KIND[bytes[i]!]! & WORD) !== 0 || bytes[i] === 46 || bytes[i] === 61)) i++
  return i
}

/** Base64 or a word? Random text changes between capitals, small letters, digits and signs at two of three steps. */
const RANDOM_LENGTH = 32

/** Whether `bytes[start...end)`, a run of base64 characters, looks like a generated secret. Hexadecimal never does. */
export function looksRandom(bytes: Buffer, start: number, end: number): boolean {
  const size = end - start
  if (size < RANDOM_LENGTH) return false
  let seen = 0
  let changes = 0
  let last = 0
  let digitsSeen = 0
  for (let i = start; i < end; i++) {
    const kind = KIND[bytes[i]!]! & ALNUM
    seen |= kind
    if (kind !== last) changes++
    if (kind === DIGIT) digitsSeen++
    last = kind
  }
  return seen === ALNUM && digitsSeen >= 3 && changes * 100 >= size * 42
}

/** The credentials after `Basic `: base64 of `user:password` (RFC 7617). Prose after the word is let alone. */
export function isBasic(bytes: Buffer, start: number, end: number): boolean {
  if (end - start < 4) return false
  return Buffer.from(bytes.toString('latin1', start, Math.min(end, start + 1024)), 'base64').includes(58)
}

/** A token after `Bearer ` (RFC 6750), told from the next word of a sentence. */
export function isBearer(bytes: Buffer, start: number, end: number): boolean {
  const size = end - start
  if (size >= 20) return true
  if (size < 6) return false
  let seen = 0
  for (let i = start; i < end; i++) {
    const kind = KIND[bytes[i]!]!
    seen |= kind === 0 ? DASH : i === start && kind === UPPER ? LOWER : kind
  }
  return (seen & (DIGIT | DASH)) !== 0 || (seen & (UPPER | LOWER)) === (UPPER | LOWER)
}
