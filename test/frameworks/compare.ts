import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { type HostOptions, serve } from '../agent/host.ts'
import { type ReceivedSpan, startReceiver } from '../agent/receiver.ts'
import { ASKS, type Ask, OUTGOING } from './asks.ts'
import type { Variant } from './variants.ts'

export const folder = fileURLToPath(new URL('.', import.meta.url))
const SERVER = 2
const CLIENT = 3

/** The service that the demo applications ask themselves. */
export async function startUpstream(): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(request.method === 'POST' ? 201 : 200, { 'content-type': 'application/json' })
      response.end('{"left":42}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server }
}

/** Runs a variant of the demo application, asks everything one after the other, and compares each call. */
export async function compare(variant: Variant, script: string, upstream: string, how: HostOptions): Promise<void> {
  const receiver = await startReceiver()
  try {
    const env = {
      APP: variant.app,
      APP_PACKAGES: JSON.stringify(variant.packages ?? {}),
      APP_UPSTREAM: upstream,
      NEXT_TELEMETRY_DISABLED: '1',
      ...variant.env,
    }
    const host = await serve(script, { collector: receiver.url, ...how, env: { ...env, ...how.env } })
    const wanted: Seen[] = []
    for (const ask of [...ASKS, ...(variant.also ?? [])]) wanted.push(await expected(ask, variant, host.url))
    await host.stop()
    const inbound = receiver.calls.filter((call) => call.kind === SERVER)
    inbound.sort((a, b) => a.startMs - b.startMs)
    expect(inbound.map(seen)).toEqual(wanted)
    expectOutgoing(receiver.calls, new URL(upstream))
    expect(receiver.counts.seen).toBe(receiver.calls.length)
  } finally {
    await receiver.close()
  }
}

/** What is compared of a call, in the order in which the calls were made. */
interface Seen {
  call: string
  operation: unknown
  route: unknown
  source: unknown
  outcome: unknown
  requestBytes: unknown
  responseBytes: unknown
}

function seen({ name, attributes }: ReceivedSpan): Seen {
  expect(name).toBe(attributes['callsight.operation'])
  return {
    call: `${attributes['http.request.method']} ${attributes['url.path']} ${attributes['http.response.status_code']}`,
    operation: name,
    route: attributes['http.route'],
    source: attributes['callsight.operation.source'] ?? 'framework',
    outcome: attributes['callsight.outcome'],
    requestBytes: attributes['http.request.body.size'] ?? 0,
    responseBytes: attributes['http.response.body.size'] ?? 0,
  }
}

/** Asks, and says what the agent must have seen. */
async function expected(ask: Ask, variant: Variant, host: string): Promise<Seen> {
  const { method, body, status } = ask
  const write = variant.write ?? ((template: string) => template)
  const path = variant.prefix !== undefined && ask.path === '/' ? write('/') : (variant.prefix ?? '') + ask.path
  const response = await fetch(host + path, {
    method,
    redirect: 'manual',
    // What arrives is what was sent: the sizes are those of the wire.
    headers: { 'accept-encoding': 'identity', ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body }),
  })
  const { byteLength } = await response.arrayBuffer()
  const known = ask.route !== undefined && variant.guesses?.(ask.route) !== true
  const route = known ? write(ask.route!) : undefined
  const guess = ask.guess ?? ask.route!.replace(/:tenant/, 'acme').replace(/:\w+/g, '{id}')
  const guessed = guess.startsWith('/') ? (variant.prefix ?? '') + guess : guess
  return {
    call: `${method} ${path.split('?', 1)[0]} ${status}`,
    operation: `${method} ${route ?? guessed}`,
    route,
    source: known ? 'framework' : 'guess',
    outcome: status < 400 ? 'ok' : status < 500 ? 'client_error' : 'server_error',
    requestBytes: Buffer.byteLength(body ?? ''),
    responseBytes: byteLength,
  }
}

function expectOutgoing(calls: ReceivedSpan[], { hostname, port }: URL): void {
  const outgoing = calls.filter((call) => call.kind === CLIENT).sort((a, b) => a.startMs - b.startMs)
  expect(
    outgoing.map(({ name, attributes }) => [
      name,
      attributes['http.response.status_code'],
      attributes['http.request.body.size'] ?? 0,
      attributes['http.response.body.size'] ?? 0,
    ]),
  ).toEqual(OUTGOING)
  for (const { attributes } of outgoing) {
    expect(attributes).toMatchObject({ 'server.address': hostname, 'server.port': Number(port) })
    expect(attributes).not.toHaveProperty('http.route')
  }
}
