import type { Server } from 'node:net'
import { limits } from '../limits.ts'
import { metrics } from '../metrics.ts'

/** Bounds the connections of a listener and counts those it sends away. */
export function guard(server: Pick<Server, 'maxConnections' | 'on'>, listener: 'http' | 'grpc'): void {
  server.maxConnections = limits.connections
  server.on('drop', () => metrics.connectionsRefused.inc({ listener }))
}
