import * as zlib from 'node:zlib'
import { limits } from '../limits.ts'
import type { Coding } from './coding.ts'
import { Undecodable } from './otlp.ts'
import { Refusal } from './refusal.ts'

type Unpack = (body: Buffer, options: { maxOutputLength: number }) => Buffer

const unpackers: Record<Coding, Unpack> = {
  gzip: zlib.gunzipSync,
  'x-gzip': zlib.gunzipSync,
  deflate: zlib.inflateSync,
  br: zlib.brotliDecompressSync,
  zstd: (zlib as unknown as { zstdDecompressSync: Unpack }).zstdDecompressSync,
}

/**
 * Takes the content coding off a body. Never gives more than limits.requestBytes, whatever the body claims to be.
 *
 * @throws Refusal for a body too large, Undecodable for one that is damaged
 */
export function unpack(coding: Coding | undefined, body: Buffer): Buffer {
  if (coding === undefined || body.length === 0) return body
  try {
    return unpackers[coding](body, { maxOutputLength: limits.requestBytes })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new Refusal(413, `the body is larger than ${limits.requestBytes} bytes when unpacked: send smaller batches`)
    }
    throw new Undecodable(`the body is not ${coding}: ${(error as Error).message}`)
  }
}
