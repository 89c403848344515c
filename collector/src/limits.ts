/**
 * Every bound of the collector, with its reason. Nothing else in the collector names a number of bytes, rows or
 * seconds.
 */
const KiB = 1024
const MiB = 1024 * KiB

export const limits = {
  /** Largest OTLP request, before and again after decompression: the OTLP specification's recommended default. */
  requestBytes: 64 * MiB,
  /** Lists and maps inside one another in an attribute: deeper ones are an attack on the stack. */
  valueDepth: 32,
  /** Operations guessed from raw paths, by service; the rest is `_OTHER`. A scan of random paths stays bounded. */
  guessedOperations: 1000,
  /** Services, tokens and the like that are remembered: bounds every map that a sender can fill. */
  sendersKnown: 10_000,
  /** How long a request body is remembered, so that a client's repeated send counts once. */
  resendMs: 15 * 60_000,
  /** … and how many bodies at least, twice 8 MiB: more than a collector at full speed takes in ten minutes. */
  resendBodies: 260_000,
  /** Retry-After of a 429 or 503, in seconds. */
  retryAfterS: 2,
  /** Longest text kept in a column, in characters: a path or a user agent beyond it is noise or an attack. */
  textChars: 2048,
  /** Attributes kept with one call beyond its columns. */
  attributesPerCall: 32,
  /** Longest body kept, in characters: sixteen times what an agent keeps without being asked for more. */
  bodyChars: 256 * KiB,
  /** Headers kept of a request or an answer: Node and proxies refuse more than about a hundred. */
  headers: 128,
  /** All text of one payload, headers first: two large bodies, and no row that a page cannot load. */
  payloadChars: 512 * KiB,
  /** Consumers whose name and plan are remembered, so that only news are written. */
  consumersKnown: 100_000,
  /** A call that claims to start later than this from now has a wrong clock: it is rejected and counted. */
  futureMs: 10 * 60_000,

  // spool
  /** Bytes of requests on their way to rows, in all: what a flood may hold in memory before it is answered 429. */
  queuedBytes: 64 * MiB,
  /** … and what one decode thread has of them: less would leave it idle, more would make small senders wait for it. */
  threadBytes: 4 * MiB,
  /** How long a request waits before it is answered 503: below the 10 s after which exporters hang up. */
  answerMs: 8000,
  /** Heap of a decode thread: a JSON body of the largest size becomes about a GiB of objects. */
  threadHeapMiB: 2048,
  /** Requests that a decode thread had when it died are tried again this often, then each alone, then refused. */
  threadDeaths: 2,
  /** A frame is written after this much decoding, … */
  frameMs: 20,
  /** … or this many rows, … */
  frameRows: 20_000,
  /** … or this many bytes: what one sync should carry. */
  frameBytes: 8 * MiB,
  /** A segment is closed, to be inserted, when its first frame is this old and the engine has nothing else to do, … */
  segmentMs: 1000,
  /** … or at this many rows: few parts for ClickHouse, and small enough to be one block, … */
  segmentRows: 200_000,
  /** … or at this many bytes. */
  segmentBytes: 64 * MiB,
  /** Rows that an insert takes as one block: more than a segment whose last request was the largest possible. */
  insertRows: 4_000_000,
  /** Partitions that one insert may touch, for calls that come late: a day each, of the longest retention. */
  insertPartitions: 1000,
  /** Bytes waiting for the engine before requests are answered 429: an hour at 5000 calls a second. */
  spoolBytes: 4096 * MiB,
  /** … and how long the oldest may wait: on replicated tables the engine forgets tokens after a time. */
  spoolAgeMs: 24 * 3600_000,
  /** Inserted segments are kept this long: a kernel writes the engine's files to the disk within half a minute. */
  doneMs: 120_000,
  /** … or while they are less than this together. */
  doneBytes: 1024 * MiB,
  /**
   * After a kill, segments inserted at most this long ago are inserted once more into a server: ten collectors that
   * insert twice a second fill the 10,000 blocks that its tables remember in eight minutes.
   */
  againMs: 240_000,
  /** Pause between two attempts to write to a disk that failed, and what is written to see whether it works again. */
  mendMs: 1000,
  probeBytes: 64 * KiB,
  /** Longest pause between two attempts at an insert; a segment is tried until the engine takes it. */
  insertPauseMs: 5000,
  /** … and at one that the engine refuses, while others go on. */
  refusedPauseMs: 15_000,
  /**
   * A refused segment is divided, to find the rows, when it was refused again so often after the engine had taken others
   * for the same table, over so long: else it is the engine, and not the rows.
   */
  refusals: 6,
  refusedMs: 120_000,
  /**
   * … or given up whole, when it is a view behind the table that refuses: the table has the rows then, and parts of them
   * under other tokens would count twice. Well below the time in which the engine forgets tokens: 10,000 blocks, two a
   * second.
   */
  viewRefusedMs: 1800_000,
  /** Statements that one segment's division may take: isolates a hundred rows of a hundred thousand. */
  divisions: 2000,
  /** How long a stop waits for what is in the spool; the rest is inserted after the next start. */
  drainMs: 5000,

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
  /** Longest range of a panel: how long the quarters of an hour are kept, and a month. */
  rangeMs: 800 * 24 * 3600_000,
  /** Most buckets of one answer; no screen has more points. */
  answerBuckets: 2000,
  /** Values chosen for one variable of a board, and the length of each: what a URL can hold. */
  variableValues: 200,
  variableChars: 500,
  /** Largest body of an API request: a rule, or the variables of a panel. */
  webBodyBytes: 1 * MiB,
  /** How often callsight.yaml is looked at for changes. */
  configPollMs: 1000,
  /** Rows of one API page. */
  pageRows: 1000,

  // decode
  /** Largest request in JSON: parsed, it takes some ten times as much. Protobuf has no such factor. */
  jsonBytes: 16 * MiB,
  /** Keys of attributes remembered between spans, and those of one span: real senders use some hundred. */
  keysKnown: 8192,
  /** … and the bytes of them. */
  keyBytes: 1 * MiB,
  /** Things worked out once and looked up after (operations, callers, resources …), each kind; then it starts anew. */
  memoEntries: 16_384,
  /** … and the bytes they are looked up by. */
  memoBytes: 4 * MiB,
  /** Longest resource that is remembered; a longer one is read each time. */
  memoResourceBytes: 8 * KiB,
  /** Different operations of one service and day; the rest is `_OTHER`. More than this is no list of operations. */
  operationsPerService: 2000,
  /** Different consumers of one service and day; the rest is `_OTHER`: roll-ups grow with them. */
  consumersPerService: 50_000,
  /** Both, over all services: 40 bytes each. When it is full, the day starts anew for all. */
  namesKnown: 500_000,
  /** Services whose overflow is told by name between two looks; the count has them all. */
  overflowsTold: 100,
  /** Calls that one sampled call may stand for: one in a million; more is a mistake of the sender. */
  weight: 1 << 20,
  /** Rows of one request; more would not be one block for ClickHouse. An exporter's batch has some hundred. */
  requestRows: 1_000_000,
  /** Items of one attribute's lists and maps that are read: its text is cut long before. */
  valueItems: 256 * KiB,
  /** Reasons and features that one report of an agent can name. */
  reportParts: 200,
  /** Longest text of a log record. */
  logBodyChars: 16 * KiB,

  // upstream quotas
  /** Longest name and value of a field about quotas that is read; agents send no longer value than 256 characters. */
  upstreamNameChars: 64,
  upstreamFieldChars: 1024,
  /** Names of fields that are remembered with what they say. */
  upstreamNamesKnown: 1000,
  /** Quotas read of one answer; nobody tells of more than eight. */
  upstreamPolicies: 16,
  /** Longest name of a quota: names are keys. */
  upstreamPolicyChars: 64,
  /** Rows of one quota, instance and request: one for so many milliseconds of calls. */
  upstreamRowMs: 1000,
  /** Of two answers this close the later one on the wire is the newer: many SDKs start spans at whole milliseconds. */
  upstreamClockUs: 1000,
  /** All rows of one request. */
  upstreamRows: 20_000,
  /** Different quotas that a decode thread sees on one day: their names are the servers' to choose. */
  upstreamsKnown: 10_000,
  /** A quota is shown until it was not heard of for so long … */
  upstreamSeenMs: 7 * 24 * 3600_000,
  /** … and those heard of last, when there are more. */
  upstreamQuotas: 1000,
  /** Calls turned away are counted over this long. */
  upstreamRefusedMs: 3600_000,
  /** Ends of one window that are told as whole seconds from now differ by so much. */
  upstreamSlackMs: 2000,
  /** Moments of one window that a forecast is made from. */
  upstreamPoints: 120,
  /** A moment farther away than this is a mistake, or a number that was no time. */
  upstreamAheadMs: 400 * 24 * 3600_000,

  // store
  /** Longest life of anything: what ClickHouse's dates and a legal department can make sense of. */
  retentionDays: 3660,
  /** Different latencies promised by objectives: each is a comparison for every call stored. */
  thresholds: 64,
  /** A changed latency counts for calls that start this long after: an insert that read the old ones is in by then. */
  thresholdSlackMs: 60_000,
  /** A migrator that has not been heard of for this long is taken for dead. */
  migrationLockMs: 30_000,
  /** How long a start waits for another's migration, some of which rewrite what is stored. */
  migrationWaitMs: 15 * 60_000,
  /** Inserts that another collector began before a migration changed the views are over by then, and on all replicas. */
  insertsUnderWayMs: 5000,
  /** How long a start waits for its own spool before such a migration: its rest is a few minutes' work at the most. */
  emptySpoolMs: 10 * 60_000,
  /** Insert blocks that replicas remember, in seconds: longer than a segment can wait in the spool. */
  replicatedWindowS: 7 * 24 * 3600,

  // judge
  /** Largest callsight.yaml, before it is parsed: thousands of consumers fit in it. */
  configBytes: 4 * MiB,
  /** Longest name of a rule, an objective, a token … */
  nameChars: 100,
  /** Standings of objectives at /metrics: each is a dozen series, and a scrape has to stay small. */
  objectiveSeries: 100,
  /** Moments at which a back-test looks: a week of five minutes, minutes of work at most, and as many points of its chart. */
  backtestSteps: 2016,
  /** Back-tests at a time: each asks the store all the while. */
  backtests: 2,
  /** How often long work tells how far it is. */
  progressMs: 250,
  /** Alert rules made by the API, beside those of the file. */
  rules: 500,
  /** How often the judge looks. With the lag below and the delivery, a breach is told within 15 s of its evidence. */
  tickMs: 5000,
  /** A window ends this long ago: what an agent's queue and the spool hold back is in by then. */
  lagMs: 5000,
  /** Longest time an alert waits or lingers. */
  alertWindowMs: 24 * 3600_000,
  /** Longest time that one judgement of an alert looks back, all its windows together. */
  alertOverMs: 7 * 24 * 3600_000,
  /** Windows from this length on are read from the calls by minute: the calls themselves would be read in vain each tick. */
  alertMinutesMs: 3600_000,
  /** Windows of which some must break: an hour of minutes. */
  alertPoints: 60,
  /** Weeks before this one that tell what is usual: a month, so that half of it can be odd. */
  anomalyWeeks: 4,
  /** Windows before and after the same one of a week before that are usual, too: people are not on time to the minute. */
  anomalySlots: 2,
  /** With fewer weeks nothing is usual yet: one alone says nothing about weeks. */
  anomalyLeastWeeks: 2,
  /** With fewer windows of them that have calls, a median deviation is chance. */
  anomalyLeastWindows: 8,
  /** Least deviation that counts, of the median: at a score of 5 what is less than 37 % above it is not unusual. */
  anomalyLeastShare: 0.05,
  /** … of a percentile, in microseconds, and of an error rate: at a score of 5 these are 7.4 ms and 0.7 %. */
  anomalyLeastUs: 1000,
  anomalyLeastRate: 0.001,
  /** Longest window of what is unusual: with longer ones "the same minute of the week" means nothing. */
  anomalyOverMs: 3600_000,
  /** Lowest score that counts as unusual: three standard deviations are chance once in 400 windows. */
  anomalyLeastScore: 3,
  /** Rows of one question for several rules; with more of them each rule asks for itself, the worst first. */
  alertRows: 10_000,
  /** A rule that cannot be judged for this long is an alert of its own: three ticks. */
  alertErrorMs: 15_000,
  /** Moments between two looks that are judged in order after a pause, for alerts that were under way. */
  alertCatchUp: 30,
  /** What an agent's queue holds back of the calls that ended: a window ends so long before the oldest row not stored. */
  sentMs: 2000,
  /**
   * While rows wait for the store no longer than this, alerts are judged as of then. Longer, and what is stored is judged
   * as of now, but nothing is called over: calls that are not there can hide a breach, they cannot make one.
   */
  heldMs: 2 * 60_000,
  /** An alert's window is about when calls ended, the store is ordered by their start: it looks this much further back. */
  callMs: 10 * 60_000,
  /** Alerts one rule can have at a time, the worst first: more labels than this are a mistake in group_by. */
  alertGroups: 500,
  /** Consumers judged for one objective; more are counted as left out. */
  objectiveGroups: 10_000,
  /** … and for all objectives: one that calls all day long takes some 30 KiB of counts, most take far less. */
  objectiveConsumers: 30_000,
  /** Minutes that are counted anew at each look: calls arrive when they are over, and few take longer. */
  objectiveHotMs: 10 * 60_000,
  /** Days in which calls have arrived since are counted anew this often, and one other day: counting one reads a day. */
  objectiveLookMs: 60_000,
  /** Counts asked for in one statement: one that is not counted together with others takes the engine 5 ms to plan. */
  objectiveAsks: 50,
  /** … and the length of their parameters, which a server takes in its URL. */
  objectiveAskChars: 100_000,
  /** Longest time of which the counts of each consumer are asked for at once: an answer of some ten MiB. */
  objectiveAskMs: 7 * 24 * 3600_000,
  /** Consumers whose history an answer about an objective has, the worst first, and the points of each: a chart's. */
  objectiveHistories: 20,
  objectivePoints: 200,
  /** Exclusions of one objective: each is a condition of every question about it. */
  objectiveExclusions: 100,
  /** Objectives and quotas are asked about at most this share of the time: the longer it takes, the less often. */
  standingShare: 0.2,
  /** A state that changes is written at most this often: busy consumers change theirs at every look. */
  stateChangeMs: 15_000,
  /** A state that did not change is written again after this long, so that a chart has a point for it. */
  stateRepeatMs: 60_000,

  // statements
  /**
   * A month is closed this long after its end: a segment may wait in the spool for as long, and clocks of agents are not
   * all right.
   */
  slaLatenessMs: 24 * 3600_000,
  /** How often it is looked whether a month is to be closed: nobody waits for the minute of it. */
  slaTickMs: 60_000,
  /** Slices by operation that one statement is counted from: a month of minutes, or of hours of 130 operations. */
  slaCells: 99_000,
  /** Bad slices that a statement lists, the worst ones; their number is told whole … */
  slaSlices: 500,
  /** … those that a page shows, some five sheets of paper … */
  slaSlicesShown: 200,
  /** … and traces of bad calls for each. */
  slaSamples: 3,
  /** Consumers whose month is closed for one objective, the busiest ones beside those of the configuration. */
  slaConsumers: 10_000,
  /** Consumers in one list of statements that are made while somebody waits. */
  slaListed: 50,
  // quotas
  /** Longest rolling window: 33 days of minutes are kept at least. */
  quotaWindowMs: 30 * 24 * 3600_000,
  /** A share of a limit that is told of: ten times what is allowed is no longer a matter of shares. */
  quotaShare: 10,
  /** Calls that began this long ago are counted at every look; what is older, … */
  usageTailMs: 15 * 60_000,
  /** … so often, and less often where it takes long: so long a call that comes late may be missing. */
  usageRecountMs: 60_000,
  /** Periods up to this length are counted whole at every look. */
  usageWholeMs: 3600_000,
  /** Consumers of one count: as many as are known by name. With more of them a quota is not judged, rather than wrongly. */
  quotaUsers: 100_000,
  /** The plan that a consumer's calls name counts for this long. */
  planMs: 33 * 24 * 3600_000,
  /** A period closes this long after its end: queues of agents and the spool are empty by then. */
  quotaCloseMs: 5 * 60_000,
  /** Calls for a closed period still count, in the last so many periods of a quota … */
  closedPeriods: 3,
  /** … that ended this long ago at most: the oldest call that is taken by default, and some days … */
  closedMs: 35 * 24 * 3600_000,
  /** … and are looked for this often. */
  closedRecountMs: 10 * 60_000,
  /** Weeks of history that a forecast is made from, … */
  forecastWeeks: 4,
  /** … how often that is read, … */
  forecastMs: 3600_000,
  /** … and for how many consumers, the busiest first: 5 KiB each. */
  forecastUsers: 5000,
  /** Zones and periods whose hours ahead are kept: a byte an hour. */
  forecastClocks: 1000,
  /** Corrections of quotas kept in memory, the newest first; and the length of their words. */
  corrections: 100_000,
  correctionKeyChars: 200,
  correctionReasonChars: 500,
  /** Thresholds that were told of, kept in memory, the newest first; a year has this many for 50,000 monthly quotas. */
  thresholdsTold: 600_000,

  // notify
  /** How long a receiver may take for its answer: the Standard Webhooks specification says 15 to 30 s. */
  noticeTimeoutMs: 15_000,
  /** Waiting times before each further attempt, as Standard Webhooks but ended when the notice is an hour old. */
  noticeRetriesMs: [2000, 5000, 15_000, 60_000, 300_000, 900_000, 1_800_000],
  /** A notice is tried again until it is this old. */
  noticeAgeMs: 3600_000,
  /** Notices waiting for one channel; more are given up, counted and recorded. */
  noticesQueued: 1000,
  /** Attempts to store the record of a delivery, and the pause between them. */
  recordAttempts: 5,
  recordPauseMs: 500,
  /** What is read of a receiver's answer for the record. */
  noticeAnswerChars: 200,
  /** How long a stop waits for the delivery under way before it is cut off (and made again after the restart). */
  noticeStopMs: 3000,

  // channels
  /** What is read of a receiver's answer at all: Telegram's repeats the message. */
  noticeAnswerBytes: 64 * KiB,
  /** … and how long after its head: what became of the notice is known by then, the rest is words. */
  noticeAnswerMs: 2000,
  /** Messages remembered by a channel, so that later notices of a group update or answer the first. */
  noticeThreads: 10_000,
  /** Longest summary of one alert in a message that people read. */
  noticeSummaryChars: 600,
  /** Longest other text of an alert there: who is hurt, compared with when. */
  noticeFactChars: 400,
  /** Longest link in a message; a longer one is left out. */
  noticeUrlChars: 550,
  /** Longest title: Slack's headers take 150 characters, Discord's 256. */
  noticeTitleChars: 140,
  /** Alerts in one message that people read: Slack takes 50 blocks of two to an alert, and nobody reads more. */
  noticeAlertsShown: 20,
  /** Slack's longest text of a section. https://docs.slack.dev/reference/block-kit/blocks/section-block */
  slackSectionChars: 3000,
  /** Teams takes messages of 28 KB. https://learn.microsoft.com/microsoftteams/limits-specifications-teams */
  teamsBytes: 28_000,
  /** PagerDuty's longest summary, and largest event. https://developer.pagerduty.com/docs/send-alert-event */
  pagerDutySummaryChars: 1024,
  pagerDutyBytes: 512_000,
  /**
   * Alertmanager takes an alert for resolved when it was not told of it again for this long: three times what it is told
   * at, so that one lost notice resolves nothing.
   */
  alertmanagerLifeMs: 15 * 60_000,
  alertmanagerRepeatMs: 5 * 60_000,
  /** How long a test of a channel may take: two requests that are answered late. */
  channelTestMs: 35_000,
  /** A test notice ends by itself in an Alertmanager after this. */
  alertmanagerTestMs: 60_000,
  // notices
  /** Changes of one alert within this time … */
  flapWindowMs: 30 * 60_000,
  /** … that make it a flapping one: fired, resolved, fired again and resolved again, nobody needs to hear the next. */
  flapChanges: 4,
  /** … and how long it must keep still to be believed again: three of the usual windows of five minutes. */
  flapStableMs: 15 * 60_000,
  /** Longest matcher: what names a few dozen operations in an expression. */
  matcherChars: 1000,
  /** Matchers of one silence, window or side of an inhibition. */
  matchers: 20,
  /** Silences that are not over: each is held against every alert. */
  silences: 1000,
  /** Longest silence: one that is meant to last longer is a rule to be removed. */
  silenceMs: 400 * 24 * 3600_000,
  /** Longest comment of a silence. */
  commentChars: 1000,
  /** How long a silence that is over is still listed. */
  silenceListedMs: 7 * 24 * 3600_000,
  /** Longest wait, interval and repetition of a group: beyond these a notice is no notice. */
  groupWaitMs: 10 * 60_000,
  groupRepeatMs: 30 * 24 * 3600_000,
  /** Longest group key: PagerDuty takes 255 characters for its deduplication key. */
  groupKeyChars: 255,
  /** Alerts that one notice names, the worst first; the rest is a number. */
  noticeAlerts: 50,
  /** … and those of them that are looked into for the consumers hurt and for what was before: two questions each. */
  noticeContexts: 5,
  /** Alerts looked into at once, over all notices: what the store answers within the time below when it is not idle. */
  contextsAtOnce: 20,
  /** How long a notice waits for these answers before it goes without. */
  noticeContextMs: 2000,
  /** Consumers hurt that a notice names, the worst first. */
  noticeConsumers: 5,
  /** Largest body of a notice: the Standard Webhooks specification says 20 kB. */
  noticeBytes: 20_000,
  /** Events not yet told are looked for this far back at a start; what a longer stop has missed is history. */
  untoldMs: 30 * 24 * 3600_000,
  /** A notice undelivered at a restart has one more attempt when it is younger than this. */
  undeliveredMs: 24 * 3600_000,
  /** How often the heartbeat is sent while judging works … */
  heartbeatMs: 60_000,
  /** … and how old the last judgement of all alerts may be for it. */
  heartbeatAgeMs: 30_000,

  // operate
  /** Blocks that a table filled from the spool must remember: more than are in the spool when the engine was away. */
  dedupeBlocks: 10_000,
  /** How long a trial of exactly-once waits for a replica that is behind. */
  trialMs: 2000,
  /** Share of the spool's bytes or age beyond which this collector should not be sent more. */
  spoolShare: 0.8,
  /** A prober waits a second for an answer; the engine gets less of it. */
  engineProbeMs: 750,
  /** A row that waits longer than this is worth a word: it takes about a second when all is well. */
  lagWarnMs: 30_000,
  /** Room on the disk of the data folder below which a doctor warns … */
  diskWarnBytes: 5 * 1024 * MiB,
  /** … and below which a full spool would not fit any more. */
  diskFailBytes: 1024 * MiB,
  /** A doctor syncs this often to see how long it takes, and warns above this. */
  fsyncTries: 20,
  fsyncWarnMs: 20,
  /** Clocks that differ by more put calls into the wrong minute … */
  clockWarnMs: 2000,
  /** … and by more than this out of the windows of alerts. */
  clockFailMs: 5 * 60_000,
  /** Oldest ClickHouse that is worth a try: the long-term release before the one that is tested. */
  engineYear: 25,
  engineMonth: 8,
  /** Reasons of dead letters that a doctor shows. */
  deadLettersShown: 3,
  /** A running collector looks at itself at most this often … */
  doctorRestMs: 5000,
  /** … and is given this long for it. */
  doctorWaitMs: 20_000,
  /** Tables of a trial that are older than this, in seconds, were left by a crash. */
  trialLeftoverS: 600,
  // listen
  /** Bodies still on their way in, over all connections of both listeners; more are sent away … */
  receivingBytes: 256 * MiB,
  /** … and of it, what bodies above the next may take: three of the largest, so that these never crowd out the others. */
  receivingLargeBytes: 192 * MiB,
  /** A body up to this is one batch of an exporter. */
  smallBodyBytes: 1 * MiB,
  /** Room for a body whose size was not announced: what a batch of an exporter needs, doubled as it comes in. */
  firstBodyBytes: 64 * KiB,
  /** A request must be in whole after this long: three times what an exporter waits for its answer. */
  requestMs: 30_000,
  /** … and its head after this long: nobody who means well needs more than one packet for it. */
  headMs: 10_000,
  /** How often Node looks for requests that are late by these two. */
  lateCheckMs: 5000,
  /** Largest head of a request: a token and a few names; Node's own default. */
  headBytes: 16 * KiB,
  /** A connection without a request is closed after this long: metrics are sent once a minute. */
  idleMs: 150_000,
  /** Connections of one listener; an SDK holds one or two, and each costs a descriptor. */
  connections: 4096,
  /** Calls at a time on one gRPC connection: what the gRPC libraries take for granted. */
  grpcStreams: 100,
  /** Flow-control window of a gRPC call, so that a batch comes in without a pause on a far line … */
  grpcCallWindowBytes: 1 * MiB,
  /** … and of its connection. */
  grpcWindowBytes: 4 * MiB,
  /** Longest gRPC message of status: libraries refuse heads beyond 8 KiB, and percent-encoding triples. */
  grpcMessageChars: 1000,
  /** At a stop, how long a request under way may take to come in and to be answered before it is cut off. */
  closeMs: 5000,

  /**
   * An insert that would leave less than this on the disk is refused by the engine, and repeated when there is room: on a
   * full disk ClickHouse 26.7 takes inserts whose files it then cannot write, and finds the parts broken at its next start.
   */
  insertFreeBytes: 64 * MiB,
  /** Below this nothing more is taken and nothing merged: merges break in the same way, and inserts need what is left. */
  diskLowBytes: 256 * MiB,
  /** … until there is this much again: not back and forth at the bound. */
  diskEnoughBytes: 320 * MiB,
  /** How often the disk is looked at: a process that fills it fast writes 100 MiB meanwhile. */
  diskPollMs: 250,
  // commands
  /** How often a running backup is looked at, for the progress bar. */
  backupPollMs: 100,
  /** … and a rewriting of tables that forgets a consumer. */
  mutationPollMs: 100,
  /** How long a command waits until what is in the spool is stored. */
  settleMs: 60_000,
  settlePollMs: 50,

  /** How long a stop may take before it is forced, in milliseconds. */
  stopMs: 10_000,
} as const
