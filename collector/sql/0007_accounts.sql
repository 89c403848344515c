-- What an account is closed by, in few rows: calls by day and reports by quarter of an hour, for each instance.

-- Calls of each instance by day, to hold against what its agent says of itself. Counting them in `calls` would read a
-- month of rows for every look at the Agents board.
--
-- ORDER BY starts with what an account is closed for. Days, because calls leave the store by whole days.
CREATE TABLE IF NOT EXISTS instance_calls (
  day Date CODEC(Delta(2), ZSTD(1)),
  service LowCardinality(String),
  instance LowCardinality(String),
  calls SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (service, instance, day)
TTL day + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS instance_calls_feed TO instance_calls AS
SELECT toDate(ts) AS day, service, instance, count() AS calls
FROM calls
GROUP BY day, service, instance;

-- The calls from before the view, whose age is known to the second. The token makes a second run, after a migration that was cut off, a no-op.
INSERT INTO instance_calls
SELECT toDate(ts) AS day, service, instance, count() AS calls
FROM calls
WHERE ingested_at < (
  SELECT metadata_modification_time + INTERVAL 1 SECOND
  FROM system.tables WHERE database = currentDatabase() AND name = 'instance_calls_feed'
)
GROUP BY day, service, instance
SETTINGS insert_deduplication_token = 'migration-0007-calls';

-- Reports by quarter of an hour: a hundred busy instances make six million reports a week. Within one start counters
-- only grow, so the largest of a quarter is its newest; of a gauge the largest is what matters.
--
-- The key is what a counter belongs to, and the quarter. Env and version follow from the start.
CREATE TABLE IF NOT EXISTS agent_reports_15m (
  quarter DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
  env LowCardinality(String),
  service LowCardinality(String),
  instance String CODEC(ZSTD(1)),
  version LowCardinality(String),
  started_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  first_at SimpleAggregateFunction(min, DateTime64(3, 'UTC')) CODEC(Delta(8), ZSTD(1)),
  last_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) CODEC(Delta(8), ZSTD(1)),
  seen SimpleAggregateFunction(max, UInt64) CODEC(T64, ZSTD(1)),
  sent SimpleAggregateFunction(max, UInt64) CODEC(T64, ZSTD(1)),
  dropped SimpleAggregateFunction(maxMap, Map(String, UInt64)) CODEC(ZSTD(1)),
  spans_dropped SimpleAggregateFunction(max, UInt64) CODEC(T64, ZSTD(1)),
  payloads_kept SimpleAggregateFunction(max, UInt64) CODEC(T64, ZSTD(1)),
  payloads_dropped SimpleAggregateFunction(maxMap, Map(String, UInt64)) CODEC(ZSTD(1)),
  faults SimpleAggregateFunction(maxMap, Map(String, UInt64)) CODEC(ZSTD(1)),
  work_us SimpleAggregateFunction(max, UInt64) CODEC(T64, ZSTD(1)),
  queue_bytes SimpleAggregateFunction(max, UInt64) CODEC(T64, ZSTD(1)),
  queue_calls SimpleAggregateFunction(max, UInt64) CODEC(T64, ZSTD(1)),
  open_calls SimpleAggregateFunction(max, UInt64) CODEC(T64, ZSTD(1)),
  disabled SimpleAggregateFunction(groupUniqArrayArray, Array(String)) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(quarter)
ORDER BY (service, instance, started_at, quarter, env, version)
TTL quarter + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

CREATE MATERIALIZED VIEW IF NOT EXISTS agent_reports_15m_feed TO agent_reports_15m AS
SELECT
  toStartOfFifteenMinutes(toDateTime(ts, 'UTC')) AS quarter, env, service, instance, version, started_at,
  min(ts) AS first_at, max(ts) AS last_at, max(agent_reports.seen) AS seen, max(agent_reports.sent) AS sent,
  maxMap(CAST(agent_reports.dropped, 'Map(String, UInt64)')) AS dropped,
  max(agent_reports.spans_dropped) AS spans_dropped, max(agent_reports.payloads_kept) AS payloads_kept,
  maxMap(CAST(agent_reports.payloads_dropped, 'Map(String, UInt64)')) AS payloads_dropped,
  maxMap(CAST(agent_reports.faults, 'Map(String, UInt64)')) AS faults, max(agent_reports.work_us) AS work_us,
  max(agent_reports.queue_bytes) AS queue_bytes, max(agent_reports.queue_calls) AS queue_calls,
  max(agent_reports.open_calls) AS open_calls,
  groupUniqArrayArray(CAST(agent_reports.disabled, 'Array(String)')) AS disabled
FROM agent_reports
GROUP BY quarter, env, service, instance, version, started_at;

-- The reports from before the view: repeated ones change nothing, so all there are.
INSERT INTO agent_reports_15m (quarter, env, service, instance, version, started_at, first_at, last_at, seen, sent, dropped)
SELECT
  toStartOfFifteenMinutes(toDateTime(ts, 'UTC')) AS quarter, env, service, instance, version, started_at,
  min(ts), max(ts), max(seen), max(sent), maxMap(CAST(dropped, 'Map(String, UInt64)'))
FROM agent_reports
GROUP BY quarter, env, service, instance, version, started_at;
