import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gunzipSync, inflateSync } from 'node:zlib'

const { takeAll } = createRequire(import.meta.url)('../monitors/intakes.cjs')

/** Where the other monitors send to. */
export interface Intake {
  port: number
  /** Bodies of all requests with what a monitor has seen, content-coding removed. */
  told: Buffer[]
  close(): void
}

export interface Certificate {
  key: string
  /** The path of the PEM file, for NODE_EXTRA_CA_CERTS. */
  file: string
}

/** A certificate for `localhost` that lasts two days; undefined where there is no openssl to make one. */
export function makeCertificate(folder: string): Certificate | undefined {
  if (spawnSync('openssl', ['version']).status !== 0) return undefined
  const certificate = { key: join(folder, 'key.pem'), file: join(folder, 'certificate.pem') }
  const ask = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost']
  const out = ['-addext', 'subjectAltName=DNS:localhost', '-keyout', certificate.key, '-out', certificate.file]
  execFileSync('openssl', ['req', ...ask, ...out], { stdio: 'ignore' })
  return certificate
}

/** With a certificate it speaks https. */
export async function startIntake(certificate?: Certificate): Promise<Intake> {
  const told: Buffer[] = []
  const listener = takeAll((body: Buffer, { headers }: { headers: Record<string, string> }) => {
    told.push(decode(body, headers['content-encoding']))
  })
  const server = certificate
    ? createTlsServer({ key: readFileSync(certificate.key), cert: readFileSync(certificate.file) }, listener)
    : createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as AddressInfo).port, told, close: () => server.close() }
}

function decode(body: Buffer, coding: string | undefined): Buffer {
  if (coding === 'gzip') return gunzipSync(body)
  return coding === 'deflate' ? inflateSync(body) : body
}
