import { limits } from '../limits.ts'
import { eventColumns } from './history.ts'
import type { Question } from './question.ts'

/** Which of these events are stored. */
export function knownEventsQuestion(ids: readonly string[]): Question {
  return { sql: 'SELECT id FROM alert_events WHERE id IN {ids:Array(String)}', params: { ids } }
}

/** Events by their ids. */
export function eventsByIdQuestion(ids: readonly string[]): Question {
  return {
    sql: `SELECT ${eventColumns}\nFROM alert_events\nWHERE id IN {ids:Array(String)}`,
    params: { ids },
  }
}

/** Changes that a channel is to be told of and that no notice to it settles, in their order. */
export function untoldQuestion(nowMs: number): Question {
  return {
    sql: `SELECT channel, once, ${eventColumns}
FROM (
  SELECT *, arrayJoin(receivers) AS channel
  FROM alert_events
  WHERE ts >= fromUnixTimestamp64Milli({since:Int64})
) AS alert_events
WHERE (alert_events.channel, alert_events.id) NOT IN (
  SELECT channel, arrayJoin(event_ids) FROM alert_notices WHERE made_at >= fromUnixTimestamp64Milli({since:Int64})
)
ORDER BY alert_events.ts, alert_events.id, channel`,
    params: { since: nowMs - limits.untoldMs },
  }
}

/** How each group stands that goes on, or that was closed so lately that its changes still count. */
export function groupsQuestion(nowMs: number): Question {
  return {
    sql: `SELECT channel, group_id, argMax(state, made_at) AS newest, argMax(open, made_at) AS goes_on, max(made_at) AS last
FROM alert_notices
GROUP BY channel, group_id
HAVING goes_on OR last >= fromUnixTimestamp64Milli({since:Int64})
ORDER BY channel, group_id`,
    params: { since: nowMs - limits.flapWindowMs },
  }
}

/** Notices that were neither delivered nor given up, with the attempts made so far, in their order. */
export function undeliveredQuestion(nowMs: number): Question {
  return {
    sql: `SELECT channel, text, attempts
FROM (
  SELECT id, channel, text, made_at
  FROM alert_notices
  WHERE made_at >= fromUnixTimestamp64Milli({since:Int64}) AND muted = '' AND text != ''
) AS notice
LEFT JOIN (
  SELECT event_id, channel, max(attempt) AS attempts, max(done) AS ended
  FROM alert_deliveries
  WHERE ts >= fromUnixTimestamp64Milli({since:Int64})
  GROUP BY event_id, channel
) AS delivery ON delivery.event_id = notice.id AND delivery.channel = notice.channel
WHERE NOT ended
ORDER BY made_at, id, channel`,
    params: { since: nowMs - limits.undeliveredMs },
  }
}
