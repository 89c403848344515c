import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import type { Server } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { compare, folder, startUpstream } from './compare.ts'
import { BUNDLED, byItself, LATE, VARIANTS } from './variants.ts'

/* One list of expectations over one demo application for each framework and version: the list is asks.ts. */

if (!existsSync(`${folder}app/next/.next/BUILD_ID`)) {
  throw new Error('the frameworks are not installed: run npm test -- test/frameworks, which installs and builds them')
}

// Several applications start at the same time, on two processors with other tests beside them.
vi.setConfig({ testTimeout: 60_000 })

let upstream: { url: string; server: Server }
beforeAll(async () => {
  upstream = await startUpstream()
})
afterAll(() => {
  upstream.server.close()
  upstream.server.closeAllConnections()
})

const WAYS = [
  ['serve.cjs', '--require'],
  ['serve.mjs', '--import'],
  ['serve.cjs', '--import'],
  ['serve.mjs', '--require'],
] as const
const app = (name: string) => `${folder}app/${name}`
const here = Number(process.versions.node.split('.', 1)[0])

/** The binary of another version of Node, where there is one for this platform. */
function nodeOf(major: number): string | undefined {
  const binary = `${folder}node_modules/node-${major}/bin/node`
  return process.platform === 'linux' && process.arch === 'x64' && existsSync(binary) ? binary : undefined
}

describe.concurrent.each(VARIANTS)('$name', (variant) => {
  const other = variant.node !== undefined && variant.node > here ? variant.node : undefined
  test.for(WAYS)('%s under %s', async ([script, load], { skip }) => {
    const binary = other === undefined ? process.execPath : nodeOf(other)
    if (binary === undefined) return skip(`it needs Node ${other}, and npm has none for this platform`)
    await compare(variant, app(script), upstream.url, { load, binary })
  })
})

const next = byItself('Next.js 16 behind its own server')

test.concurrent.each(['--require', '--import'] as const)('next start under %s', async (load) => {
  const args = ['start', app('next'), '-p', '0', '-H', '127.0.0.1']
  const script = `${folder}node_modules/next/dist/bin/next`
  await compare(next, script, upstream.url, { load, args, ready: /http:\/\/127\.0\.0\.1:(\d+)\s[\s\S]*Ready/ })
})

test.concurrent('Next.js behind a route of Express that takes everything', async () => {
  await compare({ ...next, env: { APP_INSIDE: '1' } }, app('serve.cjs'), upstream.url, {})
})

describe.concurrent.each([22, 24, 26])('Node %i', (major) => {
  test.for(VARIANTS.filter((variant) => variant.everywhere))('$name', async (variant, { skip }) => {
    const binary = nodeOf(major)
    if (binary === undefined) return skip(`npm has no Node ${major} for this platform`)
    await compare(variant, app('serve.cjs'), upstream.url, { binary })
    await compare(variant, app('serve.mjs'), upstream.url, { binary, load: '--import' })
  })
})

describe.concurrent('loaded before the agent starts', () => {
  test.for(LATE)('$name', (variant) => compare(variant, app('late.cjs'), upstream.url, { load: 'not' }))
})

describe('bundled by esbuild into one file', () => {
  const { buildSync } = createRequire(import.meta.url)('esbuild') as { buildSync(options: object): void }
  const made = mkdtempSync(join(folder, 'node_modules', '.bundle-'))
  afterAll(() => rmSync(made, { recursive: true }))

  test.concurrent.each(BUNDLED)('$name', async (variant) => {
    const outfile = join(made, `${variant.name}.cjs`)
    const entryPoints = [app('bundle.cjs')]
    buildSync({
      entryPoints,
      outfile,
      bundle: true,
      platform: 'node',
      absWorkingDir: folder,
      alias: variant.packages,
      logLevel: 'error',
    })
    await compare({ ...variant, packages: {} }, outfile, upstream.url, {})
    expect(existsSync(outfile)).toBe(true)
  })
})
