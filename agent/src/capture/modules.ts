import { Module } from 'node:module'

/**
 * Gets a module that has just been loaded, by the name it was asked for and the file that asked. Returns what the
 * asking file shall get: the same, unless there is a reason.
 */
export type Watcher = (loaded: unknown, request: string, parent: string) => unknown

type Load = (request: string, parent: NodeModule | undefined, main: boolean) => unknown

/**
 * Shows each CommonJS module with such a `name` to `watchers` when it is loaded, and those that are loaded already at
 * once. An ES module that imports a CommonJS one comes by here too, with the whole path as name. Returns the way back.
 */
export function watchModules(
  name: RegExp,
  watchers: readonly Watcher[],
  contain: (run: () => void) => void,
): () => void {
  const loader = Module as unknown as { _load: Load; _cache: Record<string, NodeModule | undefined> }
  const show = (first: unknown, request: string, parent: string): unknown => {
    let loaded = first
    contain(() => {
      for (const watch of watchers) loaded = watch(loaded, request, parent)
    })
    return loaded
  }
  // A late start: what is there can be patched, but no longer be replaced.
  for (const file of Object.keys(loader._cache)) {
    const module = loader._cache[file]
    if (module?.loaded === true && name.test(file)) show(module.exports, file, '')
  }
  const original = loader._load
  function load(this: unknown, request: string, parent: NodeModule | undefined, main: boolean): unknown {
    const loaded = original.call(this, request, parent, main)
    // Some applications call `require` for every request they serve.
    return name.test(request) ? show(loaded, request, parent?.filename ?? '') : loaded
  }
  loader._load = load
  return () => {
    if (loader._load === load) loader._load = original
  }
}
