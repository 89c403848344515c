import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { encodeClient } from '../ship/record.ts'

/*
 * The other side of a connection.
 */

const CLIENT = Symbol('callsight.client')

/** The peer's address, once for each connection. */
export function clientOf(
  connection: object & { [CLIENT]?: Buffer },
  socket: Pick<Socket, 'remoteAddress'>,
): Buffer | undefined {
  let client = connection[CLIENT]
  if (client === undefined && socket.remoteAddress !== undefined) {
    client = encodeClient(socket.remoteAddress)
    connection[CLIENT] = client
  }
  return client
}

/**
 * Whether it was the other side that ended the connection: it said goodbye, or the network failed. Otherwise the
 * process tore it down itself.
 *
 * @param error what the socket is being destroyed with, where that is happening right now
 */
export function hasLeft(socket: Duplex | undefined | null, error: unknown = socket?.errored): boolean {
  if (socket === undefined || socket === null) return true
  const state = (socket as { _readableState?: { ended?: boolean } })._readableState
  return state?.ended === true || isNetworkError(error)
}

/** Errors of the operating system name their system call; those of the application do not. */
export function isNetworkError(error: unknown): boolean {
  return typeof (error as { syscall?: unknown } | null | undefined)?.syscall === 'string'
}
