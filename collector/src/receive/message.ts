import type { ServerHttp2Stream } from 'node:http2'
import { Body, type Receiving } from './body.ts'
import { Refusal } from './refusal.ts'

/** A message has a flag for its compression and its length before it: gRPC over HTTP/2, "Length-Prefixed-Message". */
const prefixBytes = 5

export interface Message {
  compressed: boolean
  body: Buffer
}

/** The client broke the framing of gRPC. */
export class Malformed extends Error {
  override name = 'Malformed'
}

/**
 * Reads the one message of a unary call, however it is cut into DATA frames.
 *
 * @throws Malformed, or Refusal 413 or 429 as soon as the prefix tells the length, or Refusal 499 when the client left
 */
export function readMessage(stream: ServerHttp2Stream, receiving: Receiving): Promise<Message> {
  const prefix = Buffer.alloc(prefixBytes)
  let read = 0
  let body: Body | undefined
  const take = (chunk: Buffer): void => {
    const part = chunk.subarray(0, prefixBytes - Math.min(read, prefixBytes))
    part.copy(prefix, read)
    read += chunk.length
    if (read < prefixBytes) return
    const length = prefix.readUInt32BE(1)
    if (prefix[0]! > 1) throw new Malformed(`the flag before the message is ${prefix[0]}, neither 0 nor 1`)
    body ??= new Body(receiving, length)
    if (read - prefixBytes > length) throw new Malformed(`more than the one message of ${length} bytes was sent`)
    body.push(chunk.subarray(part.length))
  }
  const whole = (): Message => {
    if (body === undefined) throw new Malformed(read === 0 ? 'no message was sent' : 'the message ends in its prefix')
    const { length } = body
    const announced = prefix.readUInt32BE(1)
    if (length < announced) throw new Malformed(`the message ends after ${length} of ${announced} bytes`)
    return { compressed: prefix[0] === 1, body: body.finish() }
  }
  return new Promise<Message>((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => {
      try {
        take(chunk)
      } catch (error) {
        stream.removeAllListeners('data').resume()
        reject(error)
      }
    })
    stream.once('end', () => {
      try {
        resolve(whole())
      } catch (error) {
        reject(error)
      }
    })
    stream.once('close', () => reject(new Refusal(499, 'the client left before its message was in')))
  }).finally(() => body?.drop())
}
