import { isUtf8 } from 'node:buffer'

/** How a body is read; `none` is not kept. */
export type Format = 'json' | 'form' | 'xml' | 'html' | 'graphql' | 'multipart' | 'text' | 'none'

/** What is made of a charset: read as it is, converted, or not kept. */
export type Charset = 'utf8' | 'latin1' | 'utf16le' | 'utf16be' | 'refused'

export interface Media {
  format: Format
  /** Undefined when the content type names none. */
  charset: Charset | undefined
  boundary: string
}

const FORMATS = new Map<string, Format>([
  ['application/json', 'json'],
  ['text/json', 'json'],
  ['application/x-json', 'json'],
  ['application/x-ndjson', 'json'],
  ['application/ndjson', 'json'],
  ['application/jsonl', 'json'],
  ['application/x-jsonl', 'json'],
  ['application/jsonlines', 'json'],
  ['application/x-jsonlines', 'json'],
  ['application/json-seq', 'json'],
  ['application/csp-report', 'json'],
  ['application/json-rpc', 'json'],
  ['application/x-amz-json-1.0', 'json'],
  ['application/x-amz-json-1.1', 'json'],
  ['application/x-www-form-urlencoded', 'form'],
  ['application/xml', 'xml'],
  ['text/xml', 'xml'],
  ['text/html', 'html'],
  ['application/graphql', 'graphql'],
  ['multipart/form-data', 'multipart'],
  ['application/javascript', 'text'],
  ['application/jwt', 'text'],
  // Text whose meaning stands in columns and indentation: neither names nor shapes tell what is secret in it.
  ['text/csv', 'none'],
  ['text/tab-separated-values', 'none'],
  ['text/yaml', 'none'],
  ['text/x-yaml', 'none'],
  ['text/vcard', 'none'],
  ['text/calendar', 'none'],
])

const CHARSETS = new Map<string, Charset>([
  ['utf-8', 'utf8'],
  ['utf8', 'utf8'],
  ['us-ascii', 'utf8'],
  ['ascii', 'utf8'],
  ['iso-8859-1', 'latin1'],
  ['latin1', 'latin1'],
  ['windows-1252', 'latin1'],
  ['iso-8859-15', 'latin1'],
  ['utf-16', 'utf16be'],
  ['utf-16be', 'utf16be'],
  ['utf-16le', 'utf16le'],
])

/** Reads a content type, RFC 9110 section 8.3. */
export function readMedia(contentType: string): Media {
  const semicolon = contentType.indexOf(';')
  const type = (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase()
  const charset = mediaParameter(contentType, 'charset')
  return {
    format: formatOf(type),
    charset: charset === undefined ? undefined : (CHARSETS.get(charset.toLowerCase()) ?? 'refused'),
    boundary: mediaParameter(contentType, 'boundary') ?? '',
  }
}

function formatOf(type: string): Format {
  const known = FORMATS.get(type)
  if (known !== undefined) return known
  if (type.startsWith('image/')) return 'none'
  if (type.endsWith('+json')) return 'json'
  if (type.endsWith('+xml')) return type === 'application/xhtml+xml' ? 'html' : 'xml'
  return type.startsWith('text/') ? 'text' : 'none'
}

function mediaParameter(contentType: string, name: string): string | undefined {
  for (const [, key, quoted, bare] of contentType.matchAll(/;\s*([^\s=;]+)\s*=\s*(?:"([^"]*)"|([^\s;]*))/g)) {
    if (key!.toLowerCase() === name) return quoted ?? bare
  }
  return undefined
}

/**
 * A body as valid UTF-8 without byte order mark, or undefined for what is no text. Of a part the bytes of an unfinished
 * last character are left out; other invalid bytes become U+FFFD.
 */
export function decodeText(bytes: Buffer, charset: Charset | undefined, complete: boolean): Buffer | undefined {
  if (charset === 'refused') return undefined
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return decodeUtf16(bytes.subarray(2), false)
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return decodeUtf16(bytes.subarray(2), true)
  if (charset === 'utf16le' || charset === 'utf16be') return decodeUtf16(bytes, charset === 'utf16be')
  if (charset === 'latin1') return noNul(Buffer.from(bytes.toString('latin1')))
  let text = bytes
  if (text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf) text = text.subarray(3)
  if (!complete) text = text.subarray(0, characterEnd(text, text.length))
  return noNul(isUtf8(text) ? text : Buffer.from(text.toString('utf8')))
}

function decodeUtf16(bytes: Buffer, bigEndian: boolean): Buffer | undefined {
  const even = bytes.subarray(0, bytes.length & ~1)
  const units = bigEndian ? Buffer.from(even).swap16() : even
  return noNul(Buffer.from(units.toString('utf16le')))
}

/** A NUL is in no text; it is in UTF-16 and UTF-32 that nobody has declared, and in binary data. */
function noNul(text: Buffer): Buffer | undefined {
  return text.includes(0) ? undefined : text
}

/** The end of the last whole character of UTF-8 before `end`. */
export function characterEnd(bytes: Buffer, end: number): number {
  let lead = end - 1
  while (lead >= 0 && lead > end - 4 && (bytes[lead]! & 0xc0) === 0x80) lead--
  if (lead < 0) return end
  const c = bytes[lead]!
  const size = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1
  return lead + size > end ? lead : end
}
