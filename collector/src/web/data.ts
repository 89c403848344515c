import { join } from 'node:path'
import { backup, isExpression } from '../store/backup.ts'
import { forgetConsumer } from '../store/forget.ts'
import type { Store } from '../store/store.ts'
import { Problem } from './problem.ts'
import type { Routes } from './server.ts'

/** What is done to the stored data as a whole: backups, and consumers that are to be forgotten. */
export function dataRoutes(parts: {
  store: Store
  /** Settles when what was acknowledged until now is in the store. */
  settled: () => Promise<void>
  /** Folder that files of backups go to. */
  backups: string
}): Routes {
  const { store, settled, backups } = parts
  return async (server) => {
    server.post('/api/v1/backups', async (request, reply) => {
      const at = placeOf(request.body, backups, store)
      await settled()
      const { bytes } = await backup(store, at).catch((error: Error) => {
        throw new Problem(409, error.message)
      })
      return reply.code(201).send({ at, bytes })
    })

    server.delete('/api/v1/consumers/:id', async (request) => {
      const { id } = request.params as { id: string }
      await settled()
      return { removed: await forgetConsumer(store, id) }
    })
  }
}

/** A place of a server as it is, else a file below the folder of backups: a caller must not write wherever it likes. */
function placeOf(body: unknown, folder: string, store: Store): string {
  const place = (body as { place?: unknown } | null)?.place
  if (typeof place !== 'string' || place === '') throw new Problem(400, 'place is missing: name a file, monday.tar')
  if (!store.place.startsWith('embedded:')) {
    if (isExpression(place)) return place
    throw new Problem(400, "place is nothing that ClickHouse knows: write Disk('backups', 'monday') or S3('https://…')")
  }
  if (!/^[\w.-]+$/.test(place) || place.startsWith('.')) {
    throw new Problem(400, `place is not a plain name: give one of letters, digits, . _ - for a file in ${folder}`)
  }
  return join(folder, place)
}
