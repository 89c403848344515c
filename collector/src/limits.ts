/**
 * Every bound of the collector, with its reason. Nothing else in the collector names a number of bytes, rows or
 * seconds.
 */
const KiB = 1024
const MiB = 1024 * KiB

export const limits = {
  /** Largest OTLP request, before and again after decompression: the OTLP specification's recommended default. */
  requestBytes: 64 * MiB,
  /** An insert block is closed at this many rows: enough to keep ClickHouse's parts few, small enough to be one block. */
  blockRows: 50_000,
  /** … or after this long: what a request waits at most before its rows are on their way to the engine. */
  blockDelayMs: 100,
  /** Rows waiting for the engine before requests are answered 429: about a hundred MiB of them. */
  queuedRows: 500_000,
  /** How long a request body is remembered, so that a client's repeated send counts once. */
  resendMs: 15 * 60_000,
  /** … and how many bodies: 15 minutes at some 200 requests a second, 32 bytes each. */
  resendBodies: 200_000,
  /** Attempts at one insert before its requests are told to come again; the token makes a repeated insert harmless. */
  insertAttempts: 5,
  /** Longest text kept in a column, in characters: a path or a user agent beyond it is noise or an attack. */
  textChars: 2048,
  /** Attributes kept with one call beyond its columns. */
  attributesPerCall: 32,
  /** Consumers whose name and plan are remembered, so that only news are written. */
  consumersKnown: 100_000,
  /** A call that claims to start later than this from now has a wrong clock: it is rejected and counted. */
  futureMs: 10 * 60_000,
  /** A call older than this would open partitions that retention is about to drop: rejected and counted. */
  pastMs: 30 * 24 * 3600_000,

  /** Share of the machine's memory that the embedded engine may take. */
  engineMemoryShare: 0.25,
  /** Marks the engine keeps in memory; its own default of 5 GiB is made for machines of its own. */
  engineMarkCacheBytes: 256 * MiB,
  /** Questions of pages that the embedded engine answers at a time; more wait their turn. */
  engineQuestions: 2,
  /** A question of a page or of the API is given up after this many seconds. */
  questionSeconds: 15,
  /** … and refused when its answer has more rows: no panel can show them. */
  questionRows: 100_000,
  /** Rows of one API page. */
  pageRows: 1000,
  /** How long a stop may take before it is forced, in milliseconds. */
  stopMs: 10_000,
} as const
