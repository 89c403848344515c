-- Calls by operation without the consumer, and by consumer without the operation: what boards ask for over a day and
-- more. From calls_1m and calls_15m they would merge the histograms of every operation of every consumer, millions of
-- rows for a table of a dozen lines.
--
-- The views take what they find in calls_1m and calls_15m as it is inserted; what was there before is taken over once,
-- below. Collectors may be inserting meanwhile, so every row says which of the two it is for, and rows that differ in
-- that are never merged.
ALTER TABLE calls_1m
  ADD COLUMN IF NOT EXISTS fed UInt8 COMMENT '1: operations_1m was fed with it by its view; 0: it was taken over from before' CODEC(ZSTD(1)),
  MODIFY ORDER BY (toStartOfHour(minute), service, operation, consumer, plan, direction, env, style, method, route, peer, status, outcome, minute, fed);

ALTER TABLE calls_15m
  ADD COLUMN IF NOT EXISTS last_minute SimpleAggregateFunction(max, DateTime('UTC')) COMMENT 'minute of the newest call; 1970: not recorded yet' CODEC(T64, ZSTD(1)),
  ADD COLUMN IF NOT EXISTS fed UInt8 COMMENT '1: operations_15m and consumers_15m were fed with it by their views; 0: it was taken over from before' CODEC(ZSTD(1)),
  MODIFY ORDER BY (toStartOfDay(quarter), service, operation, consumer, plan, direction, env, style, method, route, peer, status, outcome, quarter, fed);

-- Orders, partitions, codecs and lives as in calls_1m and calls_15m, for the same reasons.
CREATE TABLE IF NOT EXISTS operations_1m (
  minute DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
  direction Enum8('in' = 1, 'out' = 2, 'probe' = 3),
  env LowCardinality(String),
  service LowCardinality(String),
  operation LowCardinality(String),
  outcome Enum8('ok' = 1, 'client_error' = 2, 'server_error' = 3, 'timeout' = 4, 'aborted' = 5),
  calls SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
  hist SimpleAggregateFunction(sumMap, Map(UInt16, UInt64)) CODEC(ZSTD(3)),
  under SimpleAggregateFunction(sumMap, Map(UInt64, UInt64)) COMMENT 'by latency of thresholds: weighted calls that took less' CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(minute)
PRIMARY KEY (toStartOfHour(minute), service, operation)
ORDER BY (toStartOfHour(minute), service, operation, direction, env, outcome, minute)
TTL minute + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000, materialize_ttl_recalculate_only = 1;

CREATE TABLE IF NOT EXISTS operations_15m (
  quarter DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
  direction Enum8('in' = 1, 'out' = 2, 'probe' = 3),
  env LowCardinality(String),
  service LowCardinality(String),
  operation LowCardinality(String),
  outcome Enum8('ok' = 1, 'client_error' = 2, 'server_error' = 3, 'timeout' = 4, 'aborted' = 5),
  calls SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
  last_minute SimpleAggregateFunction(max, DateTime('UTC')) COMMENT 'minute of the newest call' CODEC(T64, ZSTD(1)),
  hist SimpleAggregateFunction(sumMap, Map(UInt16, UInt64)) CODEC(ZSTD(3)),
  under SimpleAggregateFunction(sumMap, Map(UInt64, UInt64)) COMMENT 'by latency of thresholds: weighted calls that took less' CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(quarter)
PRIMARY KEY (toStartOfDay(quarter), service, operation)
ORDER BY (toStartOfDay(quarter), service, operation, direction, env, outcome, quarter)
TTL quarter + INTERVAL 25 MONTH
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000, materialize_ttl_recalculate_only = 1;

-- Not by minute: a minute has about as many rows for consumers as for consumers and operations.
CREATE TABLE IF NOT EXISTS consumers_15m (
  quarter DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
  direction Enum8('in' = 1, 'out' = 2, 'probe' = 3),
  env LowCardinality(String),
  service LowCardinality(String),
  consumer String CODEC(LZ4),
  plan LowCardinality(String),
  outcome Enum8('ok' = 1, 'client_error' = 2, 'server_error' = 3, 'timeout' = 4, 'aborted' = 5),
  calls SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
  last_minute SimpleAggregateFunction(max, DateTime('UTC')) COMMENT 'minute of the newest call' CODEC(T64, ZSTD(1)),
  hist SimpleAggregateFunction(sumMap, Map(UInt16, UInt64)) CODEC(ZSTD(3))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(quarter)
PRIMARY KEY (toStartOfDay(quarter), service, consumer)
ORDER BY (toStartOfDay(quarter), service, consumer, plan, direction, env, outcome, quarter)
TTL quarter + INTERVAL 25 MONTH
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000, materialize_ttl_recalculate_only = 1;

-- The quarters of a day (of UTC) in one row: a histogram of a day has hardly more buckets than one of a quarter, and there
-- are many consumers. The month is the partition, and a question reads whole months of few rows, so no time leads the key.
CREATE TABLE IF NOT EXISTS consumers_1d (
  day DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
  direction Enum8('in' = 1, 'out' = 2, 'probe' = 3),
  env LowCardinality(String),
  service LowCardinality(String),
  consumer String CODEC(LZ4),
  plan LowCardinality(String),
  outcome Enum8('ok' = 1, 'client_error' = 2, 'server_error' = 3, 'timeout' = 4, 'aborted' = 5),
  calls SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
  last_minute SimpleAggregateFunction(max, DateTime('UTC')) COMMENT 'minute of the newest call' CODEC(T64, ZSTD(1)),
  hist SimpleAggregateFunction(sumMap, Map(UInt16, UInt64)) CODEC(ZSTD(3))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(day)
PRIMARY KEY (service, consumer)
ORDER BY (service, consumer, plan, direction, env, outcome, day)
TTL day + INTERVAL 25 MONTH
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000, materialize_ttl_recalculate_only = 1;

-- From the end of the chain to its begin: an insert that builds its chain meanwhile says 0 at its begin, or finds all of it.
CREATE MATERIALIZED VIEW IF NOT EXISTS consumers_1d_feed TO consumers_1d AS
SELECT
  toStartOfDay(quarter) AS day, direction, env, service, consumer, plan, outcome,
  sum(consumers_15m.calls) AS calls,
  max(consumers_15m.last_minute) AS last_minute,
  sumMap(consumers_15m.hist) AS hist
FROM consumers_15m
GROUP BY day, direction, env, service, consumer, plan, outcome;

CREATE MATERIALIZED VIEW IF NOT EXISTS consumers_15m_feed TO consumers_15m AS
SELECT
  quarter, direction, env, service, consumer, plan, outcome,
  sum(calls_15m.calls) AS calls,
  max(calls_15m.last_minute) AS last_minute,
  sumMap(calls_15m.hist) AS hist
FROM calls_15m
WHERE fed = 1
GROUP BY quarter, direction, env, service, consumer, plan, outcome;

CREATE MATERIALIZED VIEW IF NOT EXISTS operations_15m_feed TO operations_15m AS
SELECT
  quarter, direction, env, service, operation, outcome,
  sum(calls_15m.calls) AS calls,
  max(calls_15m.last_minute) AS last_minute,
  sumMap(calls_15m.hist) AS hist,
  sumMap(calls_15m.under) AS under
FROM calls_15m
WHERE fed = 1
GROUP BY quarter, direction, env, service, operation, outcome;

CREATE MATERIALIZED VIEW IF NOT EXISTS operations_1m_feed TO operations_1m AS
SELECT
  minute, direction, env, service, operation, outcome,
  sum(calls_1m.calls) AS calls,
  sumMap(calls_1m.hist) AS hist,
  sumMap(calls_1m.under) AS under
FROM calls_1m
WHERE fed = 1
GROUP BY minute, direction, env, service, operation, outcome;

ALTER TABLE calls_15m_feed MODIFY QUERY
SELECT
  toStartOfFifteenMinutes(minute) AS quarter,
  direction, env, service, consumer, plan, style, operation, method, route, peer, status, outcome,
  sum(calls_1m.calls) AS calls,
  sum(calls_1m.units) AS units,
  sum(calls_1m.request_bytes) AS request_bytes,
  sum(calls_1m.response_bytes) AS response_bytes,
  sum(calls_1m.duration_us) AS duration_us,
  max(calls_1m.duration_us_max) AS duration_us_max,
  sumMap(calls_1m.hist) AS hist,
  sumMap(calls_1m.under) AS under,
  max(minute) AS last_minute,
  fed
FROM calls_1m
GROUP BY quarter, direction, env, service, consumer, plan, style, operation, method, route, peer, status, outcome, fed;

ALTER TABLE calls_1m_feed MODIFY QUERY
WITH (SELECT arraySort(groupArray(us)) FROM thresholds FINAL WHERE NOT removed) AS latencies
SELECT
  toStartOfMinute(toDateTime(ts, 'UTC')) AS minute,
  direction, env, service, consumer, plan, style, operation, method, route, peer, status, outcome,
  sum(toUInt64(weight)) AS calls,
  sum(toUInt64(units) * weight) AS units,
  sum(calls.request_bytes * weight) AS request_bytes,
  sum(calls.response_bytes * weight) AS response_bytes,
  sum(calls.duration_us * weight) AS duration_us,
  max(calls.duration_us) AS duration_us_max,
  sumMap(map(toUInt16(ceil(log2(greatest(calls.duration_us, 1)) * 16)), toUInt64(weight))) AS hist,
  mapFromArrays(latencies, sumForEach(arrayMap(us -> if(calls.duration_us < us, toUInt64(weight), 0), latencies))) AS under,
  toUInt8(1) AS fed
FROM calls
GROUP BY minute, direction, env, service, consumer, plan, style, operation, method, route, peer, status, outcome;

-- What was there before, day by day: a statement with {day} is run once for each day that it finds rows of. A day goes in
-- as one block under a token of its own, so a second run after a migration that was cut off leaves out what is there.
INSERT INTO operations_1m (minute, direction, env, service, operation, outcome, calls, hist, under)
SELECT minute, direction, env, service, operation, outcome, sum(calls_1m.calls), sumMap(calls_1m.hist), sumMap(calls_1m.under)
FROM calls_1m
WHERE fed = 0 AND minute >= toDateTime('{day}', 'UTC') AND minute < toDateTime('{day}', 'UTC') + INTERVAL 1 DAY
GROUP BY minute, direction, env, service, operation, outcome
SETTINGS insert_deduplication_token = 'migration-0011-operations_1m-{day}', max_insert_threads = 1,
  min_insert_block_size_rows = 1000000000, min_insert_block_size_bytes = 0;

INSERT INTO operations_15m (quarter, direction, env, service, operation, outcome, calls, last_minute, hist, under)
SELECT quarter, direction, env, service, operation, outcome, sum(calls_15m.calls), max(greatest(calls_15m.last_minute, quarter)),
  sumMap(calls_15m.hist), sumMap(calls_15m.under)
FROM calls_15m
WHERE fed = 0 AND quarter >= toDateTime('{day}', 'UTC') AND quarter < toDateTime('{day}', 'UTC') + INTERVAL 1 DAY
GROUP BY quarter, direction, env, service, operation, outcome
SETTINGS insert_deduplication_token = 'migration-0011-operations_15m-{day}', max_insert_threads = 1,
  min_insert_block_size_rows = 1000000000, min_insert_block_size_bytes = 0;

INSERT INTO consumers_15m (quarter, direction, env, service, consumer, plan, outcome, calls, last_minute, hist)
SELECT quarter, direction, env, service, consumer, plan, outcome, sum(calls_15m.calls), max(greatest(calls_15m.last_minute, quarter)),
  sumMap(calls_15m.hist)
FROM calls_15m
WHERE fed = 0 AND quarter >= toDateTime('{day}', 'UTC') AND quarter < toDateTime('{day}', 'UTC') + INTERVAL 1 DAY
GROUP BY quarter, direction, env, service, consumer, plan, outcome
SETTINGS insert_deduplication_token = 'migration-0011-consumers_15m-{day}', max_insert_threads = 1,
  min_insert_block_size_rows = 1000000000, min_insert_block_size_bytes = 0, deduplicate_blocks_in_dependent_materialized_views = 1;
