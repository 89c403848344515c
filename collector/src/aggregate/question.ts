import type { AlertRule } from '../config/config.ts'
import type { Row } from '../store/store.ts'

/** A statement with its bound values. Asking it is somebody else's job, so that every question can be read and tested. */
export interface Question {
  readonly sql: string
  readonly params: Row
}

/** The server's fault. A client_error was answered as it should be; an aborted call has no verdict. */
export const failed = "outcome IN ('server_error', 'timeout')"

/** What a rule or an objective is about. */
export interface Subject {
  readonly service?: string | undefined
  readonly operation?: string | undefined
  readonly consumer?: string | undefined
}

/** Conditions for a subject. In an operation `*` stands for any text, elsewhere every character for itself. */
export function aboutSubject({ service, operation, consumer }: Subject): { conditions: string[]; params: Row } {
  const conditions: string[] = []
  const params: Row = {}
  if (service !== undefined) {
    conditions.push('service = {service:String}')
    params.service = service
  }
  if (operation !== undefined) {
    const pattern = operation.includes('*')
    conditions.push(`operation ${pattern ? 'LIKE' : '='} {operation:String}`)
    params.operation = pattern ? operation.replace(/[\\%_]/g, '\\$&').replaceAll('*', '%') : operation
  }
  if (consumer !== undefined) {
    conditions.push('consumer = {consumer:String}')
    params.consumer = consumer
  }
  return { conditions, params }
}

/** Conditions for what an alert rule is about. */
export function aboutRule(rule: AlertRule): { conditions: string[]; params: Row } {
  const { conditions, params } = aboutSubject(rule)
  const more = ['direction = {direction:String}']
  params.direction = rule.direction
  for (const column of ['env', 'plan', 'style', 'peer'] as const) {
    if (rule[column] === undefined) continue
    more.push(`${column} = {${column}:String}`)
    params[column] = rule[column]
  }
  return { conditions: [...more, ...conditions], params }
}
