/** Memory in bytes, times in seconds since the start. */
export interface Sample {
  second: number
  heap: number
  buffers: number
  rss: number
  descriptors: number
  listeners: number
  timers: number
  /** Requests that the process has answered, and those it has made. */
  served: number
  outgoing: number
}

export function soak(options: {
  endpoint: string
  seconds: number
  rate: number
  every: number
  onSample?: (sample: Sample) => void
}): Promise<{ samples: Sample[]; served: number; outgoing: number; asked: number }>
