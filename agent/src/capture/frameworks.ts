import { watchLayers } from './express.ts'
import { followFastify } from './fastify.ts'
import { watchHapi } from './hapi.ts'
import { followHono, watchHono } from './hono.ts'
import { watchKoa } from './koa.ts'
import { watchModules } from './modules.ts'

/** What the modules in question are asked for as; each watcher looks closer. */
const NAMES = /\/layer$|[\\/]request(\.js)?$|koa|hono/

/**
 * Gets ready for every framework that does not leave its route on Node's own request. Nothing is loaded, and where a
 * framework is absent nothing remains but a look at the name of each module that is loaded. Returns the way back.
 */
export function followFrameworks(contain: (run: () => void) => void): () => void {
  const undo = [
    followFastify(contain),
    followHono(contain),
    watchModules(NAMES, [watchLayers, watchKoa, watchHapi, watchHono], contain),
  ]
  return () => {
    for (const back of undo) back()
  }
}
