// Deployed as a folder of its own, so that Next does not look for a lock file further up.
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
export default { turbopack: { root }, outputFileTracingRoot: root, distDir: '.next' }
