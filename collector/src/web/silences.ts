import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { parseDurationMs } from '../config/duration.ts'
import { Unreadable } from '../config/fault.ts'
import { type Matcher, parseMatcher } from '../config/matcher.ts'
import type { Judge } from '../judge/judge.ts'
import { type Silence, stateOf } from '../judge/silence/silence.ts'
import { limits } from '../limits.ts'
import { Problem } from './problem.ts'
import { instant, time } from './traffic.ts'

/** Silences: what is judged and recorded, and told to nobody for a while. */
export function silenceRoutes(judge: Judge): (server: FastifyInstance) => Promise<void> {
  return async (server) => {
    server.get('/api/v1/silences', async () => {
      const nowMs = Date.now()
      const listed = (await judge.silences()).map(({ silence, held }) => silenceJson(silence, held, nowMs))
      return { silences: listed }
    })

    server.post('/api/v1/silences', async (request, reply) => {
      const nowMs = Date.now()
      const silence = silenceOf(request.body, nowMs)
      const lasting = (await judge.silences()).filter((one) => stateOf(one.silence, nowMs) !== 'expired')
      if (lasting.length >= limits.silences) {
        throw new Problem(409, `there are already ${limits.silences} silences: end one first`)
      }
      await judge.silence(silence)
      const held = (await judge.silences()).find((one) => one.silence.id === silence.id)?.held ?? 0
      return reply.code(201).send(silenceJson(silence, held, nowMs))
    })

    server.delete('/api/v1/silences/:id', async (request, reply) => {
      const { id } = request.params as { id: string }
      const nowMs = Date.now()
      const found = (await judge.silences()).find(({ silence }) => silence.id === id)?.silence
      if (found === undefined) throw new Problem(404, `there is no silence ${JSON.stringify(id)}`)
      if (stateOf(found, nowMs) === 'expired') throw new Problem(409, `the silence ${JSON.stringify(id)} is over`)
      await judge.silence({ ...found, startsMs: Math.min(found.startsMs, nowMs), endsMs: nowMs })
      return reply.code(204).send()
    })
  }
}

function silenceJson(silence: Silence, held: number, nowMs: number) {
  const { id, matchers, startsMs, endsMs, author, comment } = silence
  return {
    id,
    state: stateOf(silence, nowMs),
    matchers: matchers.map(({ text }) => text),
    starts_at: time(startsMs),
    ends_at: time(endsMs),
    author,
    comment,
    alerts_held: held,
  }
}

const keys = ['matchers', 'for', 'starts_at', 'ends_at', 'author', 'comment']

function silenceOf(body: unknown, nowMs: number): Silence {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new Problem(
      400,
      'send a silence as a JSON object: {"matchers": ["service=\\"shop\\""], "for": "2h", "comment": "…"}',
    )
  }
  const given = body as Record<string, unknown>
  const unknown = Object.keys(given).find((key) => !keys.includes(key))
  if (unknown !== undefined) {
    throw new Problem(400, `unknown key ${JSON.stringify(unknown.slice(0, 100))}; the keys are ${keys.join(', ')}`)
  }
  const comment = words(given.comment, 'comment')
  if (comment === '') throw new Problem(400, '"comment" is missing: say why nobody is told')
  const startsMs = instant('starts_at', optional(given.starts_at, 'starts_at')) ?? nowMs
  const endsMs = endOf(given, startsMs)
  if (endsMs <= startsMs) throw new Problem(400, 'the silence ends before it begins')
  if (endsMs <= nowMs) throw new Problem(400, 'the silence is over already')
  if (endsMs - startsMs > limits.silenceMs) {
    throw new Problem(400, `a silence lasts at most ${limits.silenceMs / 86_400_000} days; remove the rule instead`)
  }
  const matchers = matchersOf(given.matchers)
  return { id: `sil_${randomUUID()}`, matchers, startsMs, endsMs, author: words(given.author, 'author'), comment }
}

function endOf(given: Record<string, unknown>, startsMs: number): number {
  const lasts = optional(given.for, 'for')
  const ends = optional(given.ends_at, 'ends_at')
  if ((lasts === undefined) === (ends === undefined)) {
    throw new Problem(400, 'give either "for", such as "2h", or "ends_at", such as "2026-11-20T03:00:00Z"')
  }
  if (lasts === undefined) return instant('ends_at', ends)!
  return startsMs + readable('for', () => parseDurationMs(lasts, 1000, limits.silenceMs))
}

function matchersOf(given: unknown): Matcher[] {
  if (!Array.isArray(given) || given.length === 0 || given.length > limits.matchers) {
    throw new Problem(400, `"matchers" must be a list of 1 to ${limits.matchers} texts, such as "service=\\"shop\\""`)
  }
  const matchers = given.map((text, i) => {
    const name = `matchers[${i}]`
    return readable(name, () => parseMatcher(words(text, name)))
  })
  // What every alert has would silence them all, by a slip as much as on purpose.
  if (
    matchers.every(
      ({ negated, value, pattern }) => !negated && (pattern === undefined ? value === '' : pattern.test('')),
    )
  ) {
    throw new Problem(
      400,
      'these matchers fit alerts without these labels, and so nearly every alert: name what is meant',
    )
  }
  return matchers
}

function readable<T>(name: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof Unreadable) throw new Problem(400, `${name}: ${error.message}; ${error.remedy}`)
    throw error
  }
}

function optional(value: unknown, name: string): string | undefined {
  return value === undefined || value === null ? undefined : words(value, name)
}

function words(value: unknown, name: string): string {
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string') throw new Problem(400, `"${name}" must be text`)
  if (value.length > limits.commentChars) {
    throw new Problem(400, `"${name}" has ${value.length} characters, more than ${limits.commentChars}`)
  }
  return value.trim()
}
