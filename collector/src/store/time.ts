/** Times as ClickHouse reads them, UTC. */

/** Nanoseconds since 1970 as a DateTime64(6). */
export function microText(ns: bigint): string {
  const us = ns / 1000n
  return `${timeText(Number(us / 1000n))}${String(us % 1000n).padStart(3, '0')}`
}

/** Milliseconds since 1970 as a DateTime64(3). */
export function timeText(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').slice(0, -1)
}

/** … and as a DateTime. */
export function secondText(ms: number): string {
  return timeText(ms).slice(0, 19)
}
