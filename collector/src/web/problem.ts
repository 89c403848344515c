import type { FastifyReply } from 'fastify'

/** An answer that is an error, as an RFC 9457 problem document. */
export class Problem extends Error {
  readonly status: number

  /** @param message says what is wrong with which parameter, and what would be right */
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const titles: Record<number, string> = {
  400: 'Bad request',
  401: 'Token needed',
  403: 'Not allowed',
  404: 'Not found',
  409: 'Conflict',
  500: 'Internal error',
  503: 'Store not available',
}

export function sendProblem(reply: FastifyReply, status: number, detail: string): FastifyReply {
  return reply
    .code(status)
    .type('application/problem+json')
    .send({ type: 'about:blank', title: titles[status] ?? 'Error', status, detail })
}
