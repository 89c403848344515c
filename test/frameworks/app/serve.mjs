// The same as an ES module: every package is imported, so that ES modules are what runs where a package has them.
import { listening, packages, shop } from './listen.cjs'

const { default: build } = await import(shop)
await listening(
  await build(async (name) => {
    const loaded = await import(packages[name] ?? name)
    return loaded.default ?? loaded
  }),
)
