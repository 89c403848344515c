import { z } from 'zod'
import { type Config, defaultConfig } from '../config.ts'
import { defaultRetention } from '../retention.ts'
import { ruleSchema, ruleShape } from './alert.ts'
import {
  channelShape,
  channels,
  emailShape,
  pagerdutyShape,
  slackShape,
  telegramShape,
  templateShape,
} from './channel.ts'
import { consumer, consumerShape } from './consumer.ts'
import { contractShape, creditShape } from './contract.ts'
import {
  externalUrl,
  grouping,
  groupingShape,
  heartbeat,
  inhibition,
  inhibitionShape,
  maintenance,
  maintenanceShape,
  weeklyShape,
} from './grouping.ts'
import { noticesShape } from './notices.ts'
import { excludeShape, goodShape, objective, objectiveShape } from './objective.ts'
import { planShape, plans, quotaShape } from './quota.ts'
import { listenShape, retention, retentionShape, storeShape } from './store.ts'
import { tokenShape } from './token.ts'
import { text } from './value.ts'

const fileShape = {
  store: z.strictObject(storeShape).optional(),
  retention: retention.optional(),
  listen: z.strictObject(listenShape).optional(),
  tokens: z.array(z.strictObject(tokenShape)).default([]),
  consumers: z.array(consumer).default([]),
  plans: plans.default([]),
  objectives: z.array(objective).default([]),
  openslo: z.array(text()).default([]),
  alerts: z.array(ruleSchema).default([]),
  channels: channels.default([]),
  notices: z.strictObject(noticesShape).optional(),
  grouping: grouping.optional(),
  maintenance: z.array(maintenance).default([]),
  inhibit: z.array(inhibition).default([]),
  heartbeat: heartbeat.optional(),
  external_url: externalUrl.optional(),
}

/** The whole of callsight.yaml, `${NAME}` already replaced. References between its parts are in references.ts. */
export const fileSchema = z.strictObject(fileShape).transform(
  (file): Config => ({
    store: {
      url: file.store?.url ?? defaultConfig.store.url,
      exactlyOnce: file.store?.exactly_once ?? defaultConfig.store.exactlyOnce,
      profile: file.store?.profile,
      cluster: file.store?.cluster,
    },
    retention: file.retention ?? defaultRetention,
    listen: {
      otlp: file.listen?.otlp ?? defaultConfig.listen.otlp,
      grpc: file.listen?.grpc ?? defaultConfig.listen.grpc,
      web: file.listen?.web ?? defaultConfig.listen.web,
    },
    tokens: file.tokens.map((token) => ({ ...token, env: token.env, consumer: token.consumer })),
    consumers: file.consumers,
    plans: file.plans,
    objectives: file.objectives,
    openslo: file.openslo,
    alerts: file.alerts,
    channels: file.channels,
    notices: { allowPrivate: file.notices?.allow_private ?? defaultConfig.notices.allowPrivate },
    grouping: file.grouping ?? defaultConfig.grouping,
    maintenance: file.maintenance,
    inhibit: file.inhibit,
    heartbeat: file.heartbeat,
    externalUrl: file.external_url,
  }),
)

/**
 * The keys of each map, and those that the design names but this version does not do. A list's entry is `[]`, an entry
 * under a name of the user's own is `*`.
 */
export const keys: Record<string, { known: string[]; later: string[] }> = {
  '': { known: Object.keys(fileShape), later: [] },
  store: { known: Object.keys(storeShape), later: [] },
  retention: { known: Object.keys(retentionShape), later: [] },
  listen: { known: Object.keys(listenShape), later: [] },
  'tokens[]': { known: Object.keys(tokenShape), later: [] },
  'consumers[]': { known: Object.keys(consumerShape), later: [] },
  'consumers[].quotas[]': { known: Object.keys(quotaShape), later: [] },
  'plans.*': { known: Object.keys(planShape), later: [] },
  'plans.*.quotas[]': { known: Object.keys(quotaShape), later: [] },
  'objectives[]': { known: Object.keys(objectiveShape), later: [] },
  'objectives[].good': { known: Object.keys(goodShape), later: [] },
  'objectives[].contract': { known: Object.keys(contractShape), later: [] },
  'objectives[].contract.credits[]': { known: Object.keys(creditShape), later: [] },
  'objectives[].exclude[]': { known: Object.keys(excludeShape), later: [] },
  'alerts[]': { known: Object.keys(ruleShape), later: [] },
  'channels.*': { known: Object.keys(channelShape), later: [] },
  'channels.*.slack': { known: Object.keys(slackShape), later: [] },
  'channels.*.pagerduty': { known: Object.keys(pagerdutyShape), later: [] },
  'channels.*.email': { known: Object.keys(emailShape), later: [] },
  'channels.*.telegram': { known: Object.keys(telegramShape), later: [] },
  'channels.*.template': { known: Object.keys(templateShape), later: [] },
  notices: { known: Object.keys(noticesShape), later: [] },
  grouping: { known: Object.keys(groupingShape), later: [] },
  'maintenance[]': { known: Object.keys(maintenanceShape), later: [] },
  'maintenance[].weekly[]': { known: Object.keys(weeklyShape), later: [] },
  'inhibit[]': { known: Object.keys(inhibitionShape), later: [] },
}
