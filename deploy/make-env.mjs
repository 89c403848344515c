// Makes deploy/.env for compose.yaml: passwords and tokens that exist nowhere else. An existing file is left alone.
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const file = fileURLToPath(new URL('.env', import.meta.url))
if (existsSync(file)) {
  console.log(`${file} is there already; remove it to make new passwords and tokens`)
} else {
  const secret = () => randomBytes(24).toString('hex')
  const ingest = `cs_ingest_${secret()}`
  const read = `cs_admin_${secret()}`
  const sha256 = (text) => createHash('sha256').update(text).digest('hex')
  const lines = {
    CLICKHOUSE_PASSWORD: secret(),
    GRAFANA_READER_PASSWORD: secret(),
    GRAFANA_ADMIN_PASSWORD: secret(),
    CALLSIGHT_INGEST_TOKEN: ingest,
    CALLSIGHT_INGEST_SHA256: sha256(ingest),
    CALLSIGHT_READ_TOKEN: read,
    CALLSIGHT_READ_SHA256: sha256(read),
  }
  writeFileSync(
    file,
    `${Object.entries(lines)
      .map(([key, value]) => `${key}=${value}`)
      .join('\n')}\n`,
    { mode: 0o600 },
  )
  console.log(`made ${file}`)
}
