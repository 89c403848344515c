import { z } from 'zod'
import type { Channel } from '../config.ts'
import { Unreadable } from '../fault.ts'
import { parseHttpUrl } from '../url.ts'
import { text } from './value.ts'

const secret = text((value) => {
  if (value.startsWith('whsec_') && !/^[A-Za-z0-9+/]+={0,2}$/.test(value.slice(6))) {
    throw new Unreadable('starts with whsec_ but goes on with something else than base64', 'copy the whole secret')
  }
  return value
})

const url = text(parseHttpUrl)

/** A channel's name or a URL; whether the channel exists is asked later, with every other reference. */
export const receiver = text((value) => (value.includes('://') ? parseHttpUrl(value) : value))

export const channelShape = { webhook: url, secret: secret.optional() }

/** The channels of the file, by name. */
export const channels = z
  .record(z.string(), z.strictObject(channelShape))
  .transform((given): Channel[] =>
    Object.entries(given).map(([name, { webhook, secret }]) => ({ name, webhook, secret })),
  )
