import type { AlertRule, Channel, Grouping, Objective } from '../../config/config.ts'
import { durationText } from '../../config/duration.ts'
import { Contacts, type Secret } from './contact.ts'
import { type About, everyMs, type GrafanaRule, grafanaRule, sourceUid } from './rule.ts'

/** What Grafana reads at its start, each file as the object that its YAML stands for, and what people must know. */
export interface Provisioning {
  readonly files: Readonly<Record<string, unknown>>
  readonly environment: readonly Secret[]
  readonly notes: readonly string[]
}

export interface Exported {
  readonly rules: readonly AlertRule[]
  readonly objectives: readonly Objective[]
  readonly channels: readonly Channel[]
  readonly grouping: Grouping
  readonly externalUrl: string | undefined
  /** Of the store: `embedded:…`, or the URL of a server, of which neither user nor password are given away. */
  readonly storeUrl: string
}

const folder = 'Callsight alerts'

/**
 * A tree of Grafana's provisioning without its boards: data source, alert rules, contact points. There is no notification
 * policy among them, as one from a file takes the place of all of an organisation's.
 */
export function grafanaProvisioning(exported: Exported): Provisioning {
  const { rules, objectives, grouping, externalUrl } = exported
  const contacts = new Contacts(exported.channels)
  const about: About = { objectives, grouping, externalUrl, receiver: (notify) => contacts.of(notify) }
  const notes: string[] = []
  const groups = new Map<string, GrafanaRule[]>()
  for (const rule of rules) {
    try {
      const made = grafanaRule(rule, about)
      const interval = durationText(everyMs(rule))
      groups.set(interval, [...(groups.get(interval) ?? []), made])
    } catch (error) {
      notes.push(`the rule ${rule.name} is left out: ${(error as Error).message}`)
    }
  }
  const source = dataSource(exported.storeUrl)
  const files = {
    'datasources/callsight.yaml': { apiVersion: 1, datasources: [source.settings] },
    'alerting/rules.yaml': {
      apiVersion: 1,
      groups: [...groups].map(([interval, made]) => ({
        orgId: 1,
        name: `callsight-${interval}`,
        folder,
        interval,
        rules: made,
      })),
    },
    'alerting/contact-points.yaml': { apiVersion: 1, contactPoints: contacts.points },
  }
  const password = { name: 'GRAFANA_READER_PASSWORD', what: 'the password of the ClickHouse user grafana_reader' }
  return {
    files,
    environment: [password, ...source.environment, ...contacts.secrets],
    notes: [...source.notes, ...notes, ...contacts.notes],
  }
}

/** Grafana reads as a user of its own, over HTTP as the collector does. */
function dataSource(storeUrl: string) {
  const server = /^https?:/.test(storeUrl) ? new URL(storeUrl) : undefined
  const secure = server?.protocol === 'https:'
  const settings = {
    name: 'Callsight',
    uid: sourceUid,
    type: 'grafana-clickhouse-datasource',
    access: 'proxy',
    editable: false,
    jsonData: {
      host: server?.hostname ?? `\${CALLSIGHT_CLICKHOUSE_HOST}`,
      port: server === undefined || server.port === '' ? (secure ? 8443 : 8123) : Number(server.port),
      protocol: 'http',
      secure,
      username: 'grafana_reader',
      defaultDatabase: decodeURIComponent(server?.pathname.slice(1) ?? '') || 'callsight',
      dialTimeout: '10',
      queryTimeout: '30',
      validateSql: true,
    },
    secureJsonData: { password: `\${GRAFANA_READER_PASSWORD}` },
  }
  if (server !== undefined) return { settings, environment: [], notes: [] }
  return {
    settings,
    environment: [{ name: 'CALLSIGHT_CLICKHOUSE_HOST', what: 'the host of a ClickHouse server' }],
    notes: [
      'this collector keeps its calls in the embedded engine, which Grafana cannot ask: give it a server with --clickhouse URL',
    ],
  }
}
