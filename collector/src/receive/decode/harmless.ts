/**
 * Headers that are stored whoever sends them: they say how an answer was made and read, and have no room for what
 * identifies a person or opens a door.
 */
export const harmless = new Set([
  'accept',
  'accept-encoding',
  'accept-ranges',
  'age',
  'allow',
  'cache-control',
  'connection',
  'content-encoding',
  'content-language',
  'content-length',
  'content-type',
  'date',
  'expect',
  'expires',
  'keep-alive',
  'last-modified',
  'retry-after',
  'server',
  'transfer-encoding',
  'upgrade',
  'vary',
])
