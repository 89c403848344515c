/** An answer other than 200, as an HTTP status with the words for it and, where the client should come again, when. */
export class Refusal extends Error {
  override name = 'Refusal'
  readonly status: number
  /** Seconds. */
  readonly retryAfter: number | undefined

  constructor(status: number, message: string, retryAfter?: number) {
    super(message)
    this.status = status
    this.retryAfter = retryAfter
  }
}
