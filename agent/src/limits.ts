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
/** Buffers of that size kept for the next batch while another is being compressed or sent: one is on its way at a time. */
export const SPARE_BUFFERS = 1
/** Remembered pieces of a record lie together in pieces of memory of this size, apart from the host's. */
export const SLAB_BYTES = 4096
/** Age at which a batch is sent although it is small: what a live view lags behind. */
export const BATCH_AGE = 1000

/** One request to the collector, from connecting to the answer. */
export const SEND_TIME = 10_000
/** An answer longer than this is not read: only a short status message is expected. */
export const ANSWER_BYTES = 64 * 1024
/** Back-off: the n-th pause is a random time up to FIRST · 2^n, never above LONGEST. */
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
/** Routes as registered with a framework or configured: far more than anybody writes, so that a loop cannot fill memory. */
export const REGISTERED_OPERATIONS = 5000
/** A template is cut here, in characters: a regular expression may be one. */
export const ROUTE_LENGTH = 1024
/** Templates that the user may configure; each costs a comparison for a path that is not remembered. */
export const CONFIGURED_ROUTES = 500
/** Remembered paths and their template; a longer path is worked out each time, so that the memory stays below 2 MB. */
export const GUESSED_PATHS = 4096
export const REMEMBERED_PATH = 256
/** Segments of a path that a guess keeps; the rest becomes `*`. */
export const GUESSED_SEGMENTS = 12

/** Remembered keys with their hash: about 400 bytes each. */
export const CONSUMERS = 10_000
/** A key or header longer than this is not looked at. */
export const KEY_LENGTH = 8192
/** A longer key is hashed anew each time: ten thousand invented ones must not fill the memory. Ordinary tokens are shorter. */
export const KEY_REMEMBERED = 2048
/** Name, plan, group and id of a consumer as told by the application, in characters. */
export const CONSUMER_FIELD = 256

/** What the application's own function may take to name a consumer, milliseconds: it runs once for every call. */
export const CONSUMER_TIME = 5
/** Trusted proxies in a row: nobody has more, and a larger number is a mistake. */
export const HOPS = 16
/** Remembered addresses of peers with whether they are trusted. */
export const PEERS = 10_000
/** The right end of a forwarding header that is read: room for more proxies than anybody has in a row. */
export const FORWARDED_LENGTH = 2048
/** Remembered values of a forwarding header with the client in them, and the longest value that is remembered. */
export const CLIENTS = 10_000
export const FORWARDED_REMEMBERED = 256

/** Attributes that the application may add to one call, and the length of a key and of a text value. */
export const ATTRIBUTES = 32
export const ATTRIBUTE_KEY = 128
export const ATTRIBUTE_TEXT = 1024

/** A path is cut here, a user agent there: neither is worth more of a row. */
export const PATH_LENGTH = 1024
export const USER_AGENT_LENGTH = 256
/** Remembered user agents, already encoded, and the longest that is remembered. */
export const USER_AGENTS = 1000
export const USER_AGENT_REMEMBERED = 1024

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

/** Ordinary calls that keep their detail, per second and at once: what a share of very many calls must not exceed. */
export const DETAIL_RATE = 100
export const DETAIL_BURST = 200
/** Time on the host's thread for redaction, milliseconds per second: a storm of failures costs at most this. */
export const DETAIL_TIME = 50
/** Calls whose bodies are being decoded at this moment. */
export const PENDING_DETAILS = 64
/** Header fields of one message that are kept, and the longest of their values: a longer one is left out, not cut. */
export const HEADERS = 64
export const HEADER_LENGTH = 8192

/** Containers of a JSON document, one in the other, that are looked into; what lies deeper is masked whole. */
export const REDACT_DEPTH = 128
/** Documents in a string of a document (JSON in JSON in a form), one in the other; a deeper one is masked whole. */
export const REDACT_NESTING = 4
/** A redacted body is cut at this many times its original (masks may be longer than what they hide) ... */
export const REDACT_GROWTH = 2
/** ... and small ones at this size. */
export const REDACT_SMALL = 4096
/** Parts of a multipart body that are read; the rest is cut. */
export const REDACT_PARTS = 256
/** Remembered field names with what to do about them; a power of two. Services have some hundred. */
export const REDACT_NAMES = 2048
/** A field name longer than this is not remembered. */
export const REDACT_NAME_LENGTH = 128
/** Scratch memory of the redactor that grew larger than this for one huge body is let go after it. */
export const REDACT_SCRATCH = 1024 * 1024
/** Steps of all JSON paths of an option together. */
export const REDACT_PATH_STEPS = 512

/** The header of an answer that is written by hand onto a socket is looked at up to here: it is one line that matters. */
export const RAW_HEADER = 16 * 1024

/** Servers that the application calls, remembered with their encoded address: about 300 bytes each. */
export const UPSTREAM_PEERS = 1000
/** Operations of outgoing calls, all of them guessed. Past it they are `_OTHER`. */
export const UPSTREAM_OPERATIONS = 1000
/** Names of hosts and error codes of outgoing calls are cut here: longer ones are garbage. */
export const UPSTREAM_TEXT = 256

/** Fields about quotas of one answer, and values of one: the most talkative known server (Anthropic) sends thirteen. */
export const QUOTA_FIELDS = 24
/** The longest of their names, and of their values; a longer one is left out. */
export const QUOTA_NAME = 64
export const QUOTA_VALUE = 256
/** Remembered names of fields that begin as those do. */
export const QUOTA_NAMES = 500

/** Ended calls that are recorded in one go: enough to warm the caches, few enough to take a tenth of a millisecond. */
export const BACKLOG_CALLS = 32
/** The same for calls with detail, which are rarer, and hold their bodies meanwhile. */
export const BACKLOG_DETAILS = 16
/** A call that moved more than this is not waited with: the host's objects may hold all of it. */
export const BACKLOG_BYTES = 64 * 1024
/** Milliseconds after which recording calls with detail makes a pause for the host. */
export const DRAIN_TIME = 0.5
