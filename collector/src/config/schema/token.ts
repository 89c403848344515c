import { name, sha256, text, word } from './value.ts'

export const tokenShape = {
  name,
  scope: word(['ingest', 'read', 'admin'], ['consumer']),
  sha256,
  env: text().optional(),
}
