import { z } from 'zod'
import type { Consumer } from '../config.ts'
import { sha256, text, timeZone } from './value.ts'

export const consumerShape = {
  id: text(),
  name: text().optional(),
  plan: text().optional(),
  keys: z.array(sha256).optional(),
  time_zone: timeZone.optional(),
}

export const consumer = z.strictObject(consumerShape).transform(({ id, name, plan, keys, time_zone }): Consumer => {
  return { id, name: name ?? id, plan, keys: keys ?? [], timeZone: time_zone ?? 'UTC' }
})
