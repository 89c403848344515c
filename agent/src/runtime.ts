/** The oldest Node that the agent runs on: major and minor version. */
const OLDEST: readonly [number, number] = [20, 6]

/**
 * Why the agent cannot run here; undefined where it can. Bun and Deno have Node's modules, but not its channels and not
 * its way through them.
 *
 * @param versions `process.versions`; an edge runtime has none
 */
export function unsupportedRuntime(versions: Partial<Record<string, string>> | undefined): string | undefined {
  const other = ['bun', 'deno'].find((name) => versions?.[name] !== undefined)
  if (other !== undefined) return `${other} is no Node`
  const node = versions?.node
  if (node === undefined) return 'this runtime is no Node'
  const [major = 0, minor = 0] = node.split('.').map(Number)
  const old = major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])
  return old ? `Node ${node} is older than ${OLDEST.join('.')}` : undefined
}
