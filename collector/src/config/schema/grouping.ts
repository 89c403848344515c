import { z } from 'zod'
import { limits } from '../../limits.ts'
import { defaultGrouping, type Grouping, type Inhibition, type Maintenance } from '../config.ts'
import { quoted, Unreadable } from '../fault.ts'
import { parseInstant } from '../instant.ts'
import { type Matcher, parseMatcher } from '../matcher.ts'
import { parseHttpUrl } from '../url.ts'
import { duration, measure, name, text, timeZone, word } from './value.ts'

const label = text((value) => {
  if (!/^[A-Za-z_][A-Za-z0-9_.]*$/.test(value)) {
    throw new Unreadable(`${quoted(value)} is not a label`, 'write alertname, severity, service, operation, consumer …')
  }
  return value
})

const matchers = z.array(text(parseMatcher)).superRefine((given, context) => {
  if (given.length <= limits.matchers) return
  const remedy = `write at most ${limits.matchers}`
  context.addIssue({ code: 'custom', message: `${given.length} matchers are too many`, params: { remedy } })
})

export const groupingShape = {
  by: z.array(label).optional(),
  wait: duration(0, limits.groupWaitMs).optional(),
  interval: duration(1000, limits.groupRepeatMs).optional(),
  repeat: duration(60_000, limits.groupRepeatMs).optional(),
}

export const grouping = z.strictObject(groupingShape).transform(
  ({ by, wait, interval, repeat }): Grouping => ({
    by: by === undefined ? defaultGrouping.by : [...new Set(by)].sort(),
    waitMs: wait ?? defaultGrouping.waitMs,
    intervalMs: interval ?? defaultGrouping.intervalMs,
    repeatMs: repeat ?? defaultGrouping.repeatMs,
  }),
)

/** As `Date.getUTCDay` counts. */
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const

const minute = measure((value) => {
  const found = /^(\d\d):(\d\d)$/.exec(value.trim())
  const minutes = Number(found?.[1]) * 60 + Number(found?.[2])
  if (found === null || Number(found[2]) > 59 || minutes > 24 * 60) {
    throw new Unreadable(`${quoted(value)} is not a time of day`, 'write it in quotes, from "00:00" to "24:00"')
  }
  return minutes
})

export const weeklyShape = { days: z.array(word(days)).optional(), from: minute, to: minute }

const weekly = z.strictObject(weeklyShape).transform(({ days: given = [...days], from, to }, context) => {
  if (from === to) {
    const params = { remedy: 'write from: "00:00" and to: "24:00" for the whole day' }
    context.addIssue({ code: 'custom', path: ['to'], message: 'begins when it ends', params })
  }
  return { days: given.map((day) => days.indexOf(day)), fromMinute: from, toMinute: to }
})

export const maintenanceShape = {
  name,
  matchers: matchers.optional(),
  from: text(parseInstant).optional(),
  to: text(parseInstant).optional(),
  weekly: z.array(weekly).optional(),
  time_zone: timeZone.optional(),
}

export const maintenance = z.strictObject(maintenanceShape).transform((window, context): Maintenance => {
  const { name, matchers = [], from, to, weekly = [], time_zone } = window
  const fault = (path: string[], message: string, remedy: string) =>
    context.addIssue({ code: 'custom', path, message, params: { remedy } })
  if (weekly.length === 0 && (from === undefined || to === undefined)) {
    fault([], 'this maintenance has no end', 'write from and to, or weekly times')
  }
  if (from !== undefined && to !== undefined && from >= to) fault(['to'], 'ends before it begins', 'swap from and to')
  if (weekly.length > 0 && time_zone === undefined) {
    fault(['weekly'], 'whose clock these times are on is not said', 'add time_zone: Europe/Berlin')
  }
  return { name, matchers, fromMs: from, toMs: to, weekly, timeZone: time_zone ?? 'UTC' }
})

export const inhibitionShape = { source: matchers, target: matchers, equal: z.array(label).optional() }

export const inhibition = z
  .strictObject({ ...inhibitionShape, source: needed(matchers), target: needed(matchers) })
  .transform(({ source, target, equal = [] }): Inhibition => ({ source, target, equal }))

/** Without a matcher it would be every alert: one that fires would silence all others. */
function needed(list: z.ZodType<Matcher[], unknown>) {
  return list.superRefine((given, context) => {
    if (given.length > 0) return
    const params = { remedy: 'write at least one: [severity="page"]' }
    context.addIssue({ code: 'custom', message: 'has no matcher', params })
  })
}

export const heartbeat = text(parseHttpUrl)

export const externalUrl = text((value) => {
  const { username, password, search, hash } = new URL(parseHttpUrl(value))
  if (username !== '' || password !== '' || search !== '' || hash !== '') {
    throw new Unreadable('has more than a host and a path', 'write it as https://callsight.example.com')
  }
  return value.replace(/\/+$/, '')
})
