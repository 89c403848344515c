import { z } from 'zod'
import { parseRange } from '../range.ts'
import { text } from './value.ts'

export const noticesShape = { allow_private: z.array(text(parseRange)).optional() }
