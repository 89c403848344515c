import { scopes } from '../config.ts'
import { name, sha256, text, word } from './value.ts'

export const tokenShape = {
  name,
  scope: word(scopes),
  sha256,
  env: text().optional(),
  consumer: text().optional(),
}
