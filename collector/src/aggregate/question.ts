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

/**
 * Conditions for a subject. In an operation `*` stands for any text, elsewhere every character for itself.
 *
 * @param suffix of the parameters' names, for several subjects in one statement
 */
export function aboutSubject(
  { service, operation, consumer }: Subject,
  suffix = '',
): { conditions: string[]; params: Row } {
  const conditions: string[] = []
  const params: Row = {}
  if (service !== undefined) {
    conditions.push(`service = {service${suffix}:String}`)
    params[`service${suffix}`] = service
  }
  if (operation !== undefined) {
    const pattern = operation.includes('*')
    conditions.push(`operation ${pattern ? 'LIKE' : '='} {operation${suffix}:String}`)
    params[`operation${suffix}`] = pattern ? operation.replace(/[\\%_]/g, '\\$&').replaceAll('*', '%') : operation
  }
  if (consumer !== undefined) {
    conditions.push(`consumer = {consumer${suffix}:String}`)
    params[`consumer${suffix}`] = consumer
  }
  return { conditions, params }
}
