import type { FastifyInstance } from 'fastify'
import { lastDeliveriesQuestion } from '../aggregate/channel.ts'
import type { Judge } from '../judge/judge.ts'
import { limits } from '../limits.ts'
import { delivererOf } from '../notify/channels/deliverer.ts'
import { allowPrivateOf } from '../notify/guard.ts'
import { trialNotice } from '../notify/trial.ts'
import type { Store } from '../store/store.ts'
import { Problem } from './problem.ts'
import { time } from './traffic.ts'

interface Parts {
  readonly judge: Judge
  readonly store: Store
  /** Where people find this collector. */
  readonly externalUrl: () => string
}

/** The channels of the file, what came of the last notice to each, and a way to try one out. */
export function channelRoutes({ judge, store, externalUrl }: Parts): (server: FastifyInstance) => Promise<void> {
  return async (server) => {
    server.get('/api/v1/channels', async () => {
      const { sql, params } = lastDeliveriesQuestion()
      const rows = await store.ask(sql, params)
      const last = new Map(rows.map((row) => [String(row.channel), row]))
      return {
        channels: judge.config.channels.map(({ name, kind, allowPrivate }) => {
          const row = last.get(name)
          if (row === undefined) return { name, kind, allow_private: allowPrivate, last: null }
          const error = String(row.reason)
          return {
            name,
            kind,
            allow_private: allowPrivate,
            last: {
              at: time(Number(row.at_ms)),
              result: error === '' ? 'delivered' : row.ended ? 'given_up' : 'failed',
              attempts: Number(row.attempts),
              status: Number(row.answer),
              error,
            },
          }
        }),
      }
    })

    // A body of JSON is asked for so that no page from elsewhere can send this for its visitor.
    server.post('/api/v1/channels/:name/test', async (request) => {
      const { name } = request.params as { name: string }
      if (typeof request.body !== 'object' || request.body === null)
        throw new Problem(400, 'send {} as application/json')
      const channel = judge.config.channels.find((channel) => channel.name === name)
      if (channel === undefined) {
        const known = judge.config.channels.map((channel) => channel.name).join(', ') || 'none'
        throw new Problem(
          404,
          `there is no channel ${JSON.stringify(name)}; the channels of callsight.yaml are: ${known}`,
        )
      }
      const about = { externalUrl, allowPrivate: allowPrivateOf(judge.config) }
      const startedMs = Date.now()
      const notice = trialNotice(name, externalUrl(), startedMs)
      const stop = AbortSignal.timeout(limits.channelTestMs)
      const { kind, status, error } = await delivererOf(channel, about).deliver(notice, stop)
      const words = kind === 'cut' ? `no answer within ${limits.channelTestMs / 1000} s` : error
      return {
        channel: name,
        kind: channel.kind,
        delivered: kind === 'delivered',
        status,
        error: words,
        took_ms: Date.now() - startedMs,
      }
    })
  }
}
