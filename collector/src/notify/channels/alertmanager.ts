import type { AlertmanagerChannel, Channel } from '../../config/config.ts'
import { limits } from '../../limits.ts'
import { documentOf } from '../document.ts'
import type { Guard } from '../guard.ts'
import type { Notice, NoticeAlert } from '../notice.ts'
import { post } from '../webhook.ts'
import type { Deliverer } from './deliverer.ts'

/**
 * An Alertmanager, which groups, silences and routes by itself. It takes an alert for resolved at its `endsAt`, which is
 * some time ahead: a collector that is gone leaves no alert behind for ever, and one that is there says it again before.
 * Source: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
 */
export function alertmanagerDeliverer(channel: AlertmanagerChannel, guard: Guard): Deliverer {
  const url = alertsUrl(channel.url)
  return {
    deliver(notice, stop) {
      const alerts = notice.alerts.map((alert) => postableAlert(alert, notice, Date.now()))
      return post({ url, headers: {}, body: JSON.stringify(alerts) }, guard, stop)
    },
  }
}

/** How often a notice has to be repeated to this channel while it fires; undefined where that is a matter of taste. */
export function repeatMsOf({ kind }: Channel): number | undefined {
  return kind === 'alertmanager' ? limits.alertmanagerRepeatMs : undefined
}

export function postableAlert(alert: NoticeAlert, { reason }: Notice, nowMs: number): object {
  const aheadMs = nowMs + (reason === 'test' ? limits.alertmanagerTestMs : limits.alertmanagerLifeMs)
  const { labels, annotations, startsAt, generatorURL } = documentOf(alert)
  return {
    // It takes a label without text for one that is not there.
    labels: Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== '')),
    annotations,
    startsAt,
    endsAt: new Date(alert.endsAtMs ?? aheadMs).toISOString(),
    generatorURL,
  }
}

function alertsUrl(base: string): string {
  const url = new URL(base)
  url.pathname = `${url.pathname.replace(/\/+$/, '').replace(/\/api\/v2(\/alerts)?$/, '')}/api/v2/alerts`
  return url.href
}
