import zlib from 'node:zlib'
import { outsideOfCalls } from './context.ts'

type Decoder = () => zlib.Gunzip | zlib.Inflate | zlib.BrotliDecompress

// Bodies are often cut off: what there is of them is decoded.
const ZLIB = { finishFlush: zlib.constants.Z_SYNC_FLUSH }
const BROTLI = { finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH }

const DECODERS: Record<string, Decoder> = {
  gzip: () => zlib.createGunzip(ZLIB),
  'x-gzip': () => zlib.createGunzip(ZLIB),
  deflate: () => zlib.createInflate(ZLIB),
  br: () => zlib.createBrotliDecompress(BROTLI),
}
const { createZstdDecompress, constants } = zlib as unknown as {
  createZstdDecompress?: (options: object) => zlib.Gunzip
  constants: Record<string, number>
}
// Node 22.15 and newer.
if (createZstdDecompress !== undefined) {
  DECODERS.zstd = () => createZstdDecompress({ finishFlush: constants.ZSTD_e_flush })
}

/**
 * Takes a content coding (RFC 9110 §8.4) off `bytes`, in the thread pool. At most `limit` bytes come out, however many
 * there would be; `cut` says that there were more, or that the input ended early. undefined: not that coding, or broken
 * from the start. Calls back exactly once.
 */
export function decode(
  bytes: Buffer,
  coding: string,
  limit: number,
  done: (bytes: Buffer | undefined, cut: boolean) => void,
): void {
  const make = DECODERS[coding]
  if (make === undefined) {
    done(undefined, false)
    return
  }
  const chunks: Buffer[] = []
  let size = 0
  let over = false
  const finish = (cut: boolean) => {
    if (over) return
    over = true
    stream.destroy()
    done(size === 0 && cut ? undefined : Buffer.concat(chunks, Math.min(size, limit)), cut)
  }
  const stream = outsideOfCalls(make)
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    size += chunk.length
    if (size > limit) finish(true)
  })
  stream.on('end', () => finish(false))
  // Broken in the middle: what came out until then is right.
  stream.on('error', () => finish(true))
  stream.end(bytes)
}
