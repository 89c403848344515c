import { z } from 'zod'
import { limits } from '../../limits.ts'
import { parseDurationMs } from '../duration.ts'
import { nearest, quoted, Unreadable } from '../fault.ts'

/** A value that `parse` reads; what it throws becomes an issue with a remedy. */
export function read<T>(parse: (value: unknown) => T) {
  return z.unknown().transform((value, context): T => {
    try {
      if (value === undefined || value === null) throw new Unreadable('is missing', 'add it')
      return parse(value)
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error
      context.addIssue({ code: 'custom', message: error.message, params: { remedy: error.remedy } })
      return z.NEVER
    }
  })
}

/** Text, read further by `parse`. The value is not shown when it is of another type: it may be a misplaced secret. */
export function text<T = string>(parse: (text: string) => T = (given) => given as T) {
  return read((value) => {
    if (typeof value === 'number')
      throw new Unreadable(`${value} is a number, not text`, `put it in quotes: "${value}"`)
    if (typeof value !== 'string') throw new Unreadable('is not text', 'write one word or put it in quotes')
    if (value.trim() === '') throw new Unreadable('is empty', 'write something or leave the key out')
    return parse(value)
  })
}

/** A duration, percentage or count: YAML makes a number of some of them. */
export function measure<T>(parse: (text: string) => T) {
  return read((value) => {
    if (typeof value !== 'string' && typeof value !== 'number') {
      throw new Unreadable(`${quoted(value)} is neither a number nor text`, 'write one value')
    }
    return parse(String(value))
  })
}

/** A list of what `schema` reads, or one of it. */
export function oneOrMore<T>(schema: z.ZodType<T>) {
  return z.unknown().transform((value, context): readonly T[] => {
    const many = Array.isArray(value)
    const list = many ? value : [value]
    if (list.length === 0) context.addIssue({ code: 'custom', message: 'is empty', params: { remedy: 'add one' } })
    return list.map((entry, i) => {
      const { success, data, error } = schema.safeParse(entry)
      for (const issue of error?.issues ?? []) {
        context.addIssue({ ...issue, path: [...(many ? [i] : []), ...issue.path] } as Parameters<
          typeof context.addIssue
        >[0])
      }
      return success ? data : z.NEVER
    })
  })
}

export const duration = (min: number, max: number) => measure((value) => parseDurationMs(value, min, max))

export const count = (min: number) =>
  measure((value) => {
    const number = Number(value)
    if (!/^\d+$/.test(value.trim()) || !Number.isSafeInteger(number) || number < min) {
      throw new Unreadable(`${quoted(value)} is not a whole number from ${min}`, `write it in digits: ${min + 1}`)
    }
    return number
  })

export const flag = read((value) => {
  if (typeof value === 'boolean') return value
  throw new Unreadable(`${quoted(value)} is neither true nor false`, 'write true or false')
})

/** One of the words; `later` are those that the design names and this version does not do. */
export function word<W extends string>(words: readonly W[], later: readonly string[] = []) {
  return measure((value): W => {
    if (words.includes(value as W)) return value as W
    if (later.includes(value)) throw new Unreadable(`${value} is not supported yet`, `use ${words.join(', ')}`)
    const near = nearest(value, words)
    throw new Unreadable(
      `${quoted(value)} is not known here`,
      near ? `did you mean ${near}?` : `use ${words.join(', ')}`,
    )
  })
}

export const sha256 = text((value) => {
  const hex = value.replace(/^sha256:/, '')
  if (!/^[0-9a-f]{64}$/i.test(hex)) {
    throw new Unreadable('is not a SHA-256', 'write 64 hexadecimal digits: printf %s "$KEY" | sha256sum')
  }
  return hex.toLowerCase()
})

export const name = text((value) => {
  if (!/^[\p{L}\p{N}][\p{L}\p{N} ._:/-]*$/u.test(value) || value.length > limits.nameChars) {
    throw new Unreadable(
      `${quoted(value)} is not a name`,
      `start with a letter or digit, go on with those, blank or . _ : / -, at most ${limits.nameChars} characters`,
    )
  }
  return value
})

export const timeZone = text((value) => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: value })
  } catch {
    throw new Unreadable(`${quoted(value)} is not a time zone`, 'write an IANA name: Europe/Berlin')
  }
  return value
})
