import * as zlib from 'node:zlib'
import { Refusal } from './refusal.ts'

/** Whether this Node unpacks Zstandard: from 22.15 and 23.8 on. */
const zstd = 'zstdDecompressSync' in zlib

/** Content codings of a request body that are unpacked here, by the names that senders use. */
export type Coding = 'gzip' | 'x-gzip' | 'deflate' | 'br' | 'zstd'
const codings: readonly Coding[] = ['gzip', 'x-gzip', 'deflate', 'br', ...(zstd ? (['zstd'] as const) : [])]

/** The codings to offer, without names that only old senders use. */
const offered = codings.filter((name) => name !== 'x-gzip')

/** For the header Accept-Encoding of an answer 415 (RFC 9110, 12.5.3). */
export const acceptEncoding = offered.join(', ')

/** For the header grpc-accept-encoding. */
export const grpcAcceptEncoding = ['identity', ...offered].join(',')

/**
 * @param header Content-Encoding or grpc-encoding
 * @returns the coding to unpack; undefined where there is nothing to do
 * @throws Refusal 415
 */
export function codingOf(header: string | undefined): Coding | undefined {
  const name = (header ?? '').trim().toLowerCase()
  if (name === '' || name === 'identity') return undefined
  const known = codings.find((coding) => coding === name)
  if (known !== undefined) return known
  throw new Refusal(415, `content encoding ${JSON.stringify(name.slice(0, 100))}: send ${offered.join(', ')} or none`)
}
