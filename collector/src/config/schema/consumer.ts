import { z } from 'zod'
import type { Consumer } from '../config.ts'
import { quota } from './quota.ts'
import { sha256, text, timeZone } from './value.ts'

export const consumerShape = {
  id: text(),
  name: text().optional(),
  plan: text().optional(),
  keys: z.array(sha256).optional(),
  time_zone: timeZone.optional(),
  quotas: z.array(quota).optional(),
}

export const consumer = z
  .strictObject(consumerShape)
  .transform(({ id, name, plan, keys, time_zone, quotas }): Consumer => {
    return { id, name: name ?? id, plan, keys: keys ?? [], timeZone: time_zone ?? 'UTC', quotas: quotas ?? [] }
  })
