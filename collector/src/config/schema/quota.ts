import { z } from 'zod'
import type { Plan } from '../config.ts'
import { count, name, word } from './value.ts'

export const quotaShape = {
  name,
  limit: count(1),
  per: word(['month', '1m'], ['minute', 'hour', 'day', 'week', 'quarter', 'year', '1h', '24h', '1d', '7d', '30d']),
}

export const planShape = { quotas: z.array(z.strictObject(quotaShape)) }

/** The plans of the file, by name. */
export const plans = z
  .record(z.string(), z.strictObject(planShape))
  .transform((given): Plan[] => Object.entries(given).map(([name, { quotas }]) => ({ name, quotas })))
