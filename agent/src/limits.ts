/** Every bound of the agent, in one place, each with its reason. Times are milliseconds, sizes bytes. */

/** All batches waiting to be sent, compressed where that has happened: what an outage may cost the host in memory. */
export const QUEUE_BYTES = 16 * 1024 * 1024
/** Calls waiting to be sent: keeps the queue bounded where gzip makes a batch very small. */
export const QUEUE_CALLS = 500_000
/**
 * One request body before gzip: large enough to compress well and to make requests rare, small enough to be assembled
 * in well under a millisecond and to leave the processor's cache to the host. Of 96, 256 and 512 KiB the middle one
 * cost least per call.
 */
export const BATCH_BYTES = 256 * 1024
/** Age at which a batch is sent although it is small: what a live view lags behind. */
export const BATCH_AGE = 1000

/** One request to the collector, from connecting to the answer. */
export const SEND_TIME = 10_000
/** An answer longer than this is not read: only a short status message is expected. */
export const ANSWER_BYTES = 64 * 1024
/** Back-off: the n-th pause is a random time up to FIRST · 2ⁿ, never above LONGEST. */
export const PAUSE_FIRST = 500
export const PAUSE_LONGEST = 30_000
/** A `Retry-After` is honoured up to here; a longer one is taken for a mistake of the server. */
export const RETRY_AFTER_LONGEST = 300_000
/** A batch that was refused with "try later" for this long is given up, so that one bad batch cannot stop all others. */
export const RETRY_TIME = 60 * 60 * 1000

/** The last flush at exit: what the agent may add to the end of the process, at the very most. */
export const EXIT_TIME = 2000
/** The agent's own counters travel at most this often. */
export const REPORT_EVERY = 10_000

/** Operations whose name was guessed from the path. Past it they are `_OTHER`: scanners invent paths without end. */
export const GUESSED_OPERATIONS = 1000
/** Remembered paths and their guessed template. */
export const GUESSED_PATHS = 4096
/** Segments of a path that a guess keeps; the rest becomes `*`. */
export const GUESSED_SEGMENTS = 12

/** Remembered keys with their hash: about 400 bytes each. */
export const CONSUMERS = 10_000
/** A key or header longer than this is not looked at. */
export const KEY_LENGTH = 8192
/** Name, plan, group and id of a consumer as told by the application, in characters. */
export const CONSUMER_FIELD = 256

/** Attributes that the application may add to one call, and the length of a key and of a text value. */
export const ATTRIBUTES = 32
export const ATTRIBUTE_KEY = 128
export const ATTRIBUTE_TEXT = 1024

/** A path is cut here, a user agent there: neither is worth more of a row. */
export const PATH_LENGTH = 1024
export const USER_AGENT_LENGTH = 256
/** Remembered user agents, already encoded. */
export const USER_AGENTS = 1000

/** Inner spans of one call: a loop that makes a million client calls must not fill the queue. */
export const SPANS_PER_BATCH = 10_000
/** A text attribute of an inner span is cut here. */
export const SPAN_TEXT = 4096

/**
 * Faults of one feature within FAULT_WINDOW after which it, and only it, switches itself off: better blind than a
 * burden.
 */
export const FAULTS = 10
export const FAULT_WINDOW = 60_000

/** How often the event loop is asked whether it is late, while calls are under way: a fiftieth of a second tells 20 ms apart. */
export const LOOP_PROBE = 20
/** Less lateness than this is not worth a field in every record. */
export const LOOP_WAIT_LEAST = 1

/** Bodies of all calls under way, kept until it is known whether their call keeps its detail. */
export const BODY_MEMORY = 16 * 1024 * 1024
/** The largest CALLSIGHT_BODY_LIMIT: whole bodies belong into a log of one's own, not into a monitor. */
export const BODY_LIMIT_MOST = 1024 * 1024

/** One piece of the agent's work in this many is timed: reading the clock for each would be a good part of the work. */
export const WORK_SAMPLE = 64

/** Servers that the application calls, remembered with their encoded address: about 300 bytes each. */
export const UPSTREAM_PEERS = 1000
/** Operations of outgoing calls, all of them guessed. Past it they are `_OTHER`. */
export const UPSTREAM_OPERATIONS = 1000
/** Names of hosts and error codes of outgoing calls are cut here: longer ones are garbage. */
export const UPSTREAM_TEXT = 256
