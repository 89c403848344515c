import fc from 'fast-check'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { Consumers } from '../../collector/src/receive/consumer.ts'
import { type About, Decoder } from '../../collector/src/receive/decoder.ts'
import { Operations } from '../../collector/src/receive/operation.ts'
import { Undecodable } from '../../collector/src/receive/otlp.ts'
import type { Row } from '../../collector/src/store/store.ts'
import { randomly } from '../random.ts'
import { openEngine } from './engine.ts'
import * as oracle from './reference/otlp.ts'
import { type Expected, logRows, metricRows, type Setting, traceRows } from './reference/rows.ts'
import { requests } from './requests.ts'
import { scramble, shapes } from './scramble.ts'

/*
 * The decoder against a reference that shares no line of decoding with it: OpenTelemetry's generated code reads the
 * request, a readable mapping makes rows of it, and the engine itself says what is in our blocks.
 */

/** The same requests every time; `CALLSIGHT_FUZZ=5000` tries so many others. */
const fuzz = Number(process.env.CALLSIGHT_FUZZ ?? 0)
const RUNS = fuzz > 0 ? { numRuns: fuzz } : { numRuns: 60, seed: 20261121 }

const now = Date.parse('2026-11-21T10:00:00Z')
const pastMs = 30 * 86_400_000
const acme = { id: 'acme', name: 'Acme Corp', plan: 'gold', keys: [], timeZone: 'UTC', quotas: [] }
const engine = openEngine()
afterAll(() => engine.close())

const about: About = { env: undefined, token: '' }
let decoder: Decoder
let setting: Setting

function startAnew(): void {
  decoder = new Decoder({ consumers: [acme], keySecret: undefined, pastMs, now: () => now })
  decoder.drain()
  const consumers = new Consumers([acme], undefined)
  consumers.takeNews()
  setting = { ...about, operations: new Operations(), consumers, now, pastMs }
}
beforeEach(startAnew)

const signals = {
  traces: { message: oracle.Traces, rows: (body: Buffer) => traceRows(oracle.decodeTraces(body), setting) },
  logs: { message: oracle.Logs, rows: (body: Buffer) => logRows(oracle.decodeLogs(body), setting) },
  metrics: { message: oracle.Metrics, rows: (body: Buffer) => metricRows(oracle.decodeMetrics(body), setting) },
} as const
type Signal = keyof typeof signals

function encode(signal: Signal, request: unknown): Buffer {
  const { message } = signals[signal]
  return Buffer.from(message.encode(message.fromObject(request)).finish())
}

/** What only one side knows: the moment of news, ids made up for records, weights rounded by chance. */
function comparable(rows: Record<string, Row[]>, expected: Record<string, Row[]>): Record<string, Row[]> {
  const left: Record<string, Row[]> = {}
  for (const [table, list] of Object.entries(rows)) {
    left[table] = list.map((row, index) => {
      const other = expected[table]?.[index]
      const { changed_at: _, ...kept } = row
      const range = (other?.weight as { between?: number[] } | undefined)?.between
      if (range?.includes(row.weight as number)) kept.weight = other!.weight
      for (const sum of ['calls', 'refused']) if (Number.isNaN(other?.[sum])) kept[sum] = Number.NaN
      if (table === 'calls' || table === 'payloads') {
        const made = !isId(other?.trace_id) || !isId(other?.span_id)
        if (made && isId(row.trace_id) && isId(row.span_id)) kept.span_id = other?.span_id
        if (made && !isId(other?.trace_id)) kept.trace_id = other?.trace_id
      }
      return kept
    })
  }
  return left
}

const isId = (value: unknown) => typeof value === 'string' && /^(?!0+$)([0-9a-f]{32}|[0-9a-f]{16})$/.test(value)

/** @param but tables that depend on what was told before */
function check(signal: Signal, body: Buffer, original: Buffer, but: string[] = []): void {
  const expected: Expected = signals[signal].rows(original)
  decoder.drain()
  decoder.counts()
  const result = decoder.take(signal, 'protobuf', body, about)
  const rows = engine.rowsOf(decoder.drain())
  for (const table of but) {
    delete rows[table]
    delete expected.rows[table]
  }
  for (const list of Object.values(expected.rows)) for (const row of list) delete row.changed_at
  expect(comparable(rows, expected.rows)).toEqual(expected.rows)
  expect(decoder.counts()?.rejected ?? {}).toEqual(expected.rejected)
  expect(result.rejected).toBe(Object.values(expected.rejected).reduce((sum, number) => sum + number, 0))
}

describe.each(Object.keys(signals) as Signal[])('%s', (signal) => {
  const request: fc.Arbitrary<unknown> = requests(now)[signal]

  it('gives the rows of the reference, whatever the order of fields and whatever is between them', () => {
    fc.assert(
      fc.property(request, fc.integer(), (message, seed) => {
        const original = encode(signal, message)
        startAnew()
        check(signal, original, original)
        // Once more, when all that is worked out once has been.
        check(signal, scramble(original, shapes[signal], randomly(seed)), original)
      }),
      RUNS,
    )
  })

  it('refuses a request cut anywhere or reads what is left of it, and leaves no row of a refused one', () => {
    const [message] = fc.sample(
      fc.array(request, { minLength: 1 }).map((list) => list[0]),
      { numRuns: 1, seed: 7 },
    )
    const samples = [message, ...fc.sample(request, { numRuns: 12, seed: 11 })]
    const whole = samples.map((one) => encode(signal, one)).sort((a, b) => b.length - a.length)[0]!
    expect(whole.length).toBeGreaterThan(500)
    let refused = 0
    for (let end = 0; end < whole.length; end += end < 3000 ? 1 : 7) refused += refuses(signal, whole.subarray(0, end))
    expect(refused).toBeGreaterThan(200)
    check(signal, whole, whole)
  })

  it('takes garbage for garbage, and the next good request as ever', () => {
    const samples = fc.sample(request, { numRuns: 20, seed: 3 }).map((one) => encode(signal, one))
    const next = randomly(99)
    for (let i = 0; i < 4000; i++) {
      const bytes = Buffer.from(samples[i % samples.length]!)
      for (let n = 0; n <= i % 3 && bytes.length > 0; n++) {
        bytes[Math.floor(next() * bytes.length)] = Math.floor(next() * 256)
      }
      refuses(signal, bytes)
    }
    for (let i = 0; i < 500; i++) refuses(signal, Buffer.from(Array.from({ length: i % 50 }, () => next() * 256)))
    engine.rowsOf(decoder.drain())
    decoder.counts()
    for (const good of samples) check(signal, good, good, ['consumers'])
  })
})

/** Takes bytes that may be anything. @returns 1 when they are refused */
function refuses(signal: Signal, bytes: Buffer): number {
  const before = decoder.rows
  try {
    decoder.take(signal, 'protobuf', bytes, about)
    return 0
  } catch (error) {
    expect(error).toBeInstanceOf(Undecodable)
    expect(decoder.rows).toBe(before)
    return 1
  } finally {
    if (decoder.rows > 2000) engine.rowsOf(decoder.drain())
  }
}
