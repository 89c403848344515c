import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Webhook {
  url: string
  close(): Promise<void>
}

/** The part of an Alertmanager webhook document that is printed. */
interface Notice {
  alerts: { status: string; annotations: Record<string, string> }[]
}

/** A receiver of notices on loopback, as an on-call tool would have it. It hands each alert on as a line of text. */
export async function startWebhook(print: (line: string) => void): Promise<Webhook> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { alerts } = JSON.parse(Buffer.concat(chunks).toString()) as Notice
      for (const { status, annotations } of alerts) print(`${status}: ${annotations.summary ?? ''}`)
      response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/alerts`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
