import * as zlib from 'node:zlib'
import { limits } from '../limits.ts'
import { Undecodable } from './otlp.ts'
import { Refusal } from './refusal.ts'

type Unpack = (body: Buffer, options: { maxOutputLength: number }) => Buffer

/** Since Node 22.15. */
const { zstdDecompressSync } = zlib as { zstdDecompressSync?: Unpack }

const codings = new Map<string, Unpack>([
  ['gzip', zlib.gunzipSync],
  ['x-gzip', zlib.gunzipSync],
  ['deflate', zlib.inflateSync],
  ['br', zlib.brotliDecompressSync],
  ...(zstdDecompressSync === undefined ? [] : [['zstd', zstdDecompressSync] as const]),
])

/** Content codings that this runtime can take away, as `accept-encoding` lists them. */
export const encodings = [...codings.keys()].filter((name) => name !== 'x-gzip').join(', ')

/**
 * Takes the content coding off a body. Never gives more than limits.requestBytes, whatever the body claims to be.
 *
 * @throws Refusal for an unknown coding or a body too large, Undecodable for one that is damaged
 */
export function unpack(encoding: string | undefined, body: Buffer): Buffer {
  const name = (encoding ?? 'identity').trim().toLowerCase()
  if (name === 'identity' || name === '' || body.length === 0) return body
  const decode = codings.get(name)
  if (decode === undefined) {
    throw new Refusal(415, `content encoding ${JSON.stringify(name)}: send ${encodings} or none`)
  }
  try {
    return decode(body, { maxOutputLength: limits.requestBytes })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new Refusal(413, `the body is larger than ${limits.requestBytes} bytes when unpacked: send smaller batches`)
    }
    throw new Undecodable(`the body is not ${name}: ${(error as Error).message}`)
  }
}
