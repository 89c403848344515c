/** Every bound of the dashboards and their questions, with its reason. */
export const limits = {
  /** Points of a chart: at 180 a quarter of an hour has 5-second buckets, an hour 20-second ones. */
  points: 180,
  /** Points of a chart of shares or percentiles: they need more calls in a bucket than a count does. */
  coarsePoints: 90,
  /** … and of one that shows each consumer on its own: fewer calls still, and a day has buckets of whole quarters. */
  consumerPoints: 56,
  /** From this bucket width on, the minutes of `calls_1m` are read instead of single calls: 180 points are 2 h by then. */
  minuteSeconds: 60,
  /** Seconds of a row of `calls_15m`. */
  quarter: 900,
  /** From here on always the quarters of `calls_15m`: every interval from an hour up is a whole number of quarters. */
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
