/** Every bound of the dashboards and their questions, with its reason. */
export const limits = {
  /**
   * Points of a chart: at 80 a quarter of an hour has 10-second buckets, and an hour whole minutes. More would have an
   * hour read from single calls, which are hundreds of millions where a busy collector takes them.
   */
  points: 80,
  /** … and of one that shows each consumer on its own: fewer calls in a bucket, and a month has buckets of whole days. */
  consumerPoints: 30,
  /** From this bucket width on, roll-ups by minute are read instead of single calls: 80 points are an hour by then. */
  minuteSeconds: 60,
  /** Seconds of a row of the roll-ups by quarter of an hour. */
  quarter: 900,
  /** … and of one by day. */
  day: 86_400,
  /** From here on always quarters: every interval from an hour up is a whole number of them. */
  quarterSeconds: 3600,
  /** … and of one over agents' reports, which come every ten seconds: three or more to a bucket. */
  reportPoints: 24,
  /** How far before the range the report before the first is looked for: what a counter grew by needs two reports. */
  reportMinutes: 60,
  /** An agent whose newest report is older is idle or gone: what it had on its way is not on its way any more. */
  reportSeconds: 60,
  /** Days that an account reaches back: calls are kept for 30, the oldest of which is being dropped. */
  accountDays: 29,
  /** Services with a line of their own. */
  topServices: 8,
  /** How long after it was made a call may arrive: agents send every second or two. */
  arrivalSeconds: 3,
  /** Narrowest bucket of the "now" figures: under a minute a percentile rests on too few calls. */
  nowSeconds: 60,
  /** … and where it is read from minutes, of which the newest may have just begun. */
  nowMinutesSeconds: 120,
  /** Consumers with a line of their own; more colours than this cannot be told apart. */
  topConsumers: 8,
  /** Rows of a ranking: what a panel shows without scrolling. */
  rankRows: 10,
  /** Rows of a table: nobody reads further, they sort or filter. */
  tableRows: 200,
  /** Services offered by the variable. */
  services: 500,
  /** The judge repeats each state every minute: one this old belongs to an objective or quota that is gone. */
  judgementMinutes: 15,
} as const
