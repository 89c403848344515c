-- 0001_calls.sql
CREATE TABLE IF NOT EXISTS calls ON CLUSTER 'prod' (
  ts DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
  direction Enum8('in' = 1, 'out' = 2, 'probe' = 3),
  env LowCardinality(String),
  service LowCardinality(String),
  version LowCardinality(String),
  instance LowCardinality(String),
  consumer String CODEC(ZSTD(1)),
  plan LowCardinality(String),
  style LowCardinality(String),
  operation LowCardinality(String),
  method LowCardinality(String),
  route LowCardinality(String),
  path String CODEC(ZSTD(1)),
  peer LowCardinality(String),
  status UInt16 CODEC(T64, ZSTD(1)),
  outcome Enum8('ok' = 1, 'client_error' = 2, 'server_error' = 3, 'timeout' = 4, 'aborted' = 5),
  error_code LowCardinality(String),
  duration_us UInt64 CODEC(T64, ZSTD(1)),
  ttfb_us UInt64 CODEC(T64, ZSTD(1)),
  request_bytes UInt64 CODEC(T64, ZSTD(1)),
  response_bytes UInt64 CODEC(T64, ZSTD(1)),
  units UInt32 DEFAULT 1 CODEC(T64, ZSTD(1)),
  weight UInt32 DEFAULT 1 CODEC(T64, ZSTD(1)),
  client_address String CODEC(ZSTD(1)),
  user_agent LowCardinality(String),
  trace_id String CODEC(ZSTD(1)),
  span_id String CODEC(ZSTD(1)),
  parent_span_id String CODEC(ZSTD(1)),
  attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
  ingested_at DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta(8), ZSTD(1)),
  INDEX by_ts ts TYPE minmax GRANULARITY 1,
  INDEX by_trace trace_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplicatedMergeTree
PARTITION BY toDate(ts)
ORDER BY (toStartOfHour(ts), service, operation, consumer, ts)
TTL toDateTime(ts) + INTERVAL 30 DAY
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

-- 0002_spans.sql
CREATE TABLE IF NOT EXISTS spans ON CLUSTER 'prod' (
  ts DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
  env LowCardinality(String),
  service LowCardinality(String),
  trace_id String CODEC(ZSTD(1)),
  span_id String CODEC(ZSTD(1)),
  parent_span_id String CODEC(ZSTD(1)),
  name LowCardinality(String),
  kind Enum8('unspecified' = 0, 'internal' = 1, 'server' = 2, 'client' = 3, 'producer' = 4, 'consumer' = 5),
  scope LowCardinality(String),
  duration_us UInt64 CODEC(T64, ZSTD(1)),
  failed Bool,
  message String CODEC(ZSTD(1)),
  attributes Map(LowCardinality(String), String) CODEC(ZSTD(1))
)
ENGINE = ReplicatedMergeTree
PARTITION BY toDate(ts)
ORDER BY (trace_id, ts)
TTL toDateTime(ts) + INTERVAL 7 DAY
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

-- 0003_rollups.sql
CREATE TABLE IF NOT EXISTS calls_1m ON CLUSTER 'prod' (
  minute DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
  direction Enum8('in' = 1, 'out' = 2, 'probe' = 3),
  env LowCardinality(String),
  service LowCardinality(String),
  consumer String CODEC(ZSTD(1)),
  plan LowCardinality(String),
  style LowCardinality(String),
  operation LowCardinality(String),
  method LowCardinality(String),
  route LowCardinality(String),
  peer LowCardinality(String),
  status UInt16,
  outcome Enum8('ok' = 1, 'client_error' = 2, 'server_error' = 3, 'timeout' = 4, 'aborted' = 5),
  calls SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
  units SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
  request_bytes SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
  response_bytes SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
  duration_us SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
  duration_us_max SimpleAggregateFunction(max, UInt64) CODEC(T64, ZSTD(1)),
  hist SimpleAggregateFunction(sumMap, Map(UInt16, UInt64)) CODEC(ZSTD(1))
)
ENGINE = ReplicatedAggregatingMergeTree
PARTITION BY toYYYYMM(minute)
PRIMARY KEY (toStartOfHour(minute), service, operation, consumer)
ORDER BY (toStartOfHour(minute), service, operation, consumer, plan, direction, env, style, method, route, peer, status, outcome, minute)
TTL minute + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

CREATE MATERIALIZED VIEW IF NOT EXISTS calls_1m_feed ON CLUSTER 'prod' TO calls_1m AS
SELECT
  toStartOfMinute(toDateTime(ts, 'UTC')) AS minute,
  direction, env, service, consumer, plan, style, operation, method, route, peer, status, outcome,
  sum(toUInt64(weight)) AS calls,
  sum(toUInt64(units) * weight) AS units,
  sum(calls.request_bytes * weight) AS request_bytes,
  sum(calls.response_bytes * weight) AS response_bytes,
  sum(calls.duration_us * weight) AS duration_us,
  max(calls.duration_us) AS duration_us_max,
  sumMap(map(toUInt16(ceil(log2(greatest(calls.duration_us, 1)) * 16)), toUInt64(weight))) AS hist
FROM calls
GROUP BY minute, direction, env, service, consumer, plan, style, operation, method, route, peer, status, outcome;

CREATE TABLE IF NOT EXISTS calls_15m ON CLUSTER 'prod' (
  quarter DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
  direction Enum8('in' = 1, 'out' = 2, 'probe' = 3),
  env LowCardinality(String),
  service LowCardinality(String),
  consumer String CODEC(ZSTD(1)),
  plan LowCardinality(String),
  style LowCardinality(String),
  operation LowCardinality(String),
  method LowCardinality(String),
  route LowCardinality(String),
  peer LowCardinality(String),
  status UInt16,
  outcome Enum8('ok' = 1, 'client_error' = 2, 'server_error' = 3, 'timeout' = 4, 'aborted' = 5),
  calls SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
  units SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
  request_bytes SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
  response_bytes SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
  duration_us SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1)),
  duration_us_max SimpleAggregateFunction(max, UInt64) CODEC(T64, ZSTD(1)),
  hist SimpleAggregateFunction(sumMap, Map(UInt16, UInt64)) CODEC(ZSTD(1))
)
ENGINE = ReplicatedAggregatingMergeTree
PARTITION BY toYYYYMM(quarter)
PRIMARY KEY (toStartOfDay(quarter), service, operation, consumer)
ORDER BY (toStartOfDay(quarter), service, operation, consumer, plan, direction, env, style, method, route, peer, status, outcome, quarter)
TTL quarter + INTERVAL 25 MONTH
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

CREATE MATERIALIZED VIEW IF NOT EXISTS calls_15m_feed ON CLUSTER 'prod' TO calls_15m AS
SELECT
  toStartOfFifteenMinutes(minute) AS quarter,
  direction, env, service, consumer, plan, style, operation, method, route, peer, status, outcome,
  sum(calls_1m.calls) AS calls,
  sum(calls_1m.units) AS units,
  sum(calls_1m.request_bytes) AS request_bytes,
  sum(calls_1m.response_bytes) AS response_bytes,
  sum(calls_1m.duration_us) AS duration_us,
  max(calls_1m.duration_us_max) AS duration_us_max,
  sumMap(calls_1m.hist) AS hist
FROM calls_1m
GROUP BY quarter, direction, env, service, consumer, plan, style, operation, method, route, peer, status, outcome;

-- 0004_judgement.sql
CREATE TABLE IF NOT EXISTS objective_states ON CLUSTER 'prod' (
  ts DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  objective LowCardinality(String),
  service LowCardinality(String),
  operation LowCardinality(String),
  consumer String CODEC(ZSTD(1)),
  window LowCardinality(String),
  target Float64,
  total UInt64,
  bad UInt64,
  attainment Nullable(Float64) COMMENT 'good / total; null without calls',
  budget_left Nullable(Float64) COMMENT '1 = untouched, 0 = spent, negative = broken; null without calls',
  burn_rate_1h Nullable(Float64) COMMENT 'bad share of the last hour over the allowed share',
  burn_rate_5m Nullable(Float64) COMMENT 'the same of the last five minutes',
  INDEX by_ts ts TYPE minmax GRANULARITY 1
)
ENGINE = ReplicatedMergeTree
PARTITION BY toYYYYMM(ts)
ORDER BY (objective, consumer, ts)
TTL toDateTime(ts) + INTERVAL 25 MONTH
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 1000, replicated_deduplication_window_seconds = 604800;

CREATE TABLE IF NOT EXISTS quota_states ON CLUSTER 'prod' (
  ts DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  quota LowCardinality(String),
  plan LowCardinality(String),
  consumer String CODEC(ZSTD(1)),
  per LowCardinality(String) COMMENT 'month, 1m',
  period_start DateTime('UTC'),
  period_end DateTime('UTC'),
  used UInt64,
  allowed UInt64,
  used_ratio Float64,
  INDEX by_ts ts TYPE minmax GRANULARITY 1
)
ENGINE = ReplicatedMergeTree
PARTITION BY toYYYYMM(ts)
ORDER BY (consumer, quota, ts)
TTL toDateTime(ts) + INTERVAL 25 MONTH
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 1000, replicated_deduplication_window_seconds = 604800;

CREATE TABLE IF NOT EXISTS alert_events ON CLUSTER 'prod' (
  ts DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  id String COMMENT 'also the webhook-id of its notices, so that a receiver can drop a repeated one',
  rule LowCardinality(String),
  fingerprint String COMMENT 'hash of rule and labels',
  labels Map(LowCardinality(String), String),
  severity LowCardinality(String),
  state Enum8('inactive' = 0, 'pending' = 1, 'firing' = 2, 'resolved' = 3),
  value Nullable(Float64),
  threshold Float64,
  calls UInt64,
  summary String,
  active_since DateTime64(3, 'UTC') COMMENT 'when the condition first held'
)
ENGINE = ReplicatedMergeTree
PARTITION BY toYYYYMM(ts)
ORDER BY (rule, fingerprint, ts)
TTL toDateTime(ts) + INTERVAL 25 MONTH
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 1000, replicated_deduplication_window_seconds = 604800;

CREATE TABLE IF NOT EXISTS alert_deliveries ON CLUSTER 'prod' (
  ts DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  event_id String,
  channel LowCardinality(String),
  attempt UInt16,
  done Bool COMMENT 'delivered, or given up: no further attempt follows',
  status UInt16 COMMENT 'HTTP status, 0 without an answer',
  error String
)
ENGINE = ReplicatedMergeTree
PARTITION BY toYYYYMM(ts)
ORDER BY (event_id, channel, ts)
TTL toDateTime(ts) + INTERVAL 3 MONTH
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 1000, replicated_deduplication_window_seconds = 604800;

CREATE TABLE IF NOT EXISTS alert_rules ON CLUSTER 'prod' (
  name String,
  rule String COMMENT 'JSON, as in callsight.yaml',
  removed Bool,
  changed_at DateTime64(3, 'UTC')
)
ENGINE = ReplicatedReplacingMergeTree(changed_at)
ORDER BY name;

-- 0005_consumers_agents.sql
CREATE TABLE IF NOT EXISTS consumers ON CLUSTER 'prod' (
  consumer String,
  name String,
  plan LowCardinality(String),
  changed_at DateTime64(3, 'UTC')
)
ENGINE = ReplicatedReplacingMergeTree(changed_at)
ORDER BY consumer;

CREATE TABLE IF NOT EXISTS agent_reports ON CLUSTER 'prod' (
  ts DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  env LowCardinality(String),
  service LowCardinality(String),
  instance String CODEC(ZSTD(1)),
  version LowCardinality(String) COMMENT 'of the agent',
  seen UInt64,
  sent UInt64 COMMENT 'acknowledged by a collector',
  dropped Map(LowCardinality(String), UInt64) COMMENT 'by reason'
)
ENGINE = ReplicatedMergeTree
PARTITION BY toYYYYMM(ts)
ORDER BY (service, instance, ts)
TTL toDateTime(ts) + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 1000, replicated_deduplication_window_seconds = 604800;

-- 0006_payloads.sql
CREATE TABLE IF NOT EXISTS payloads ON CLUSTER 'prod' (
  ts DateTime64(6, 'UTC') COMMENT 'start of the call' CODEC(Delta(8), ZSTD(1)),
  direction Enum8('in' = 1, 'out' = 2, 'probe' = 3),
  env LowCardinality(String),
  service LowCardinality(String),
  operation LowCardinality(String),
  consumer String CODEC(ZSTD(1)),
  trace_id String CODEC(ZSTD(1)),
  span_id String CODEC(ZSTD(1)),
  detail LowCardinality(String) COMMENT 'why it was kept: failed, slow, new, sampled; empty when the sender does not say',
  redaction LowCardinality(String) COMMENT 'the rules that were applied; empty: not by us, and only harmless headers are stored',
  query String CODEC(ZSTD(3)),
  request_headers Map(LowCardinality(String), Array(String)) CODEC(ZSTD(3)),
  response_headers Map(LowCardinality(String), Array(String)) CODEC(ZSTD(3)),
  request_body String CODEC(ZSTD(3)),
  response_body String CODEC(ZSTD(3)),
  request_truncated Bool COMMENT 'headers or body are not whole: cut by the agent, or at the bound of the collector',
  response_truncated Bool,
  request_bytes UInt64 COMMENT 'of the whole body, on the wire' CODEC(T64, ZSTD(1)),
  response_bytes UInt64 CODEC(T64, ZSTD(1)),
  INDEX by_trace trace_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplicatedMergeTree
PARTITION BY toDate(ts)
ORDER BY (toStartOfHour(ts), service, operation, ts)
TTL toDateTime(ts) + INTERVAL 7 DAY
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800, index_granularity = 512;

ALTER TABLE calls ON CLUSTER 'prod'
  ADD COLUMN IF NOT EXISTS loop_wait_us UInt64 COMMENT 'of the duration: waiting for a busy event loop; 0 below a millisecond' CODEC(T64, ZSTD(1)) AFTER ttfb_us,
  ADD COLUMN IF NOT EXISTS peer_port UInt16 COMMENT 'of outgoing calls; 0 when unknown' CODEC(T64, ZSTD(1)) AFTER peer,
  ADD COLUMN IF NOT EXISTS operation_source LowCardinality(String) COMMENT 'framework (as registered), config, guess (from the path); empty: before this was recorded' AFTER operation,
  ADD COLUMN IF NOT EXISTS consumer_source LowCardinality(String) COMMENT 'application, host, gateway, mtls, api_key, jwt' AFTER consumer,
  ADD COLUMN IF NOT EXISTS consumer_verified Bool DEFAULT true COMMENT 'false: a claim of a token whose signature nobody has checked' AFTER consumer_source,
  ADD COLUMN IF NOT EXISTS detail LowCardinality(String) COMMENT 'why its payload was kept; empty when it was not' AFTER user_agent;

ALTER TABLE agent_reports ON CLUSTER 'prod'
  ADD COLUMN IF NOT EXISTS started_at DateTime64(3, 'UTC') COMMENT '1970: before this was recorded' CODEC(Delta(8), ZSTD(1)) AFTER version,
  ADD COLUMN IF NOT EXISTS spans_dropped UInt64 COMMENT 'inner spans of traced calls' CODEC(T64, ZSTD(1)),
  ADD COLUMN IF NOT EXISTS payloads_kept UInt64 CODEC(T64, ZSTD(1)),
  ADD COLUMN IF NOT EXISTS payloads_dropped Map(LowCardinality(String), UInt64) COMMENT 'by reason',
  ADD COLUMN IF NOT EXISTS faults Map(LowCardinality(String), UInt64) COMMENT 'of the agent itself, by feature',
  ADD COLUMN IF NOT EXISTS work_us UInt64 COMMENT 'CPU of the agent on the thread of its host' CODEC(T64, ZSTD(1)),
  ADD COLUMN IF NOT EXISTS queue_bytes UInt64 COMMENT 'waiting for a collector' CODEC(T64, ZSTD(1)),
  ADD COLUMN IF NOT EXISTS queue_calls UInt64 CODEC(T64, ZSTD(1)),
  ADD COLUMN IF NOT EXISTS open_calls UInt64 COMMENT 'begun and not ended' CODEC(T64, ZSTD(1)),
  ADD COLUMN IF NOT EXISTS disabled Array(LowCardinality(String)) COMMENT 'features switched off after too many faults';

-- 0007_accounts.sql
CREATE TABLE IF NOT EXISTS instance_calls ON CLUSTER 'prod' (
  day Date CODEC(Delta(2), ZSTD(1)),
  service LowCardinality(String),
  instance LowCardinality(String),
  calls SimpleAggregateFunction(sum, UInt64) CODEC(T64, ZSTD(1))
)
ENGINE = ReplicatedAggregatingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (service, instance, day)
TTL day + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

CREATE MATERIALIZED VIEW IF NOT EXISTS instance_calls_feed ON CLUSTER 'prod' TO instance_calls AS
SELECT toDate(ts) AS day, service, instance, count() AS calls
FROM calls
GROUP BY day, service, instance;

INSERT INTO instance_calls
SELECT toDate(ts) AS day, service, instance, count() AS calls
FROM calls
WHERE ingested_at < (
  SELECT metadata_modification_time + INTERVAL 1 SECOND
  FROM system.tables WHERE database = currentDatabase() AND name = 'instance_calls_feed'
)
GROUP BY day, service, instance
SETTINGS insert_deduplication_token = 'migration-0007-calls';

CREATE TABLE IF NOT EXISTS agent_reports_15m ON CLUSTER 'prod' (
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
ENGINE = ReplicatedAggregatingMergeTree
PARTITION BY toYYYYMM(quarter)
ORDER BY (service, instance, started_at, quarter, env, version)
TTL quarter + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 1000, replicated_deduplication_window_seconds = 604800;

CREATE MATERIALIZED VIEW IF NOT EXISTS agent_reports_15m_feed ON CLUSTER 'prod' TO agent_reports_15m AS
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

INSERT INTO agent_reports_15m (quarter, env, service, instance, version, started_at, first_at, last_at, seen, sent, dropped)
SELECT
  toStartOfFifteenMinutes(toDateTime(ts, 'UTC')) AS quarter, env, service, instance, version, started_at,
  min(ts), max(ts), max(seen), max(sent), maxMap(CAST(dropped, 'Map(String, UInt64)'))
FROM agent_reports
GROUP BY quarter, env, service, instance, version, started_at;

-- 0008_logs_metrics.sql
CREATE TABLE IF NOT EXISTS logs ON CLUSTER 'prod' (
  ts DateTime64(6, 'UTC') CODEC(T64, ZSTD(1)),
  env LowCardinality(String) CODEC(ZSTD(1)),
  service LowCardinality(String) CODEC(ZSTD(1)),
  instance LowCardinality(String) CODEC(ZSTD(1)),
  trace_id String COMMENT 'empty: written outside a trace' CODEC(ZSTD(1)),
  span_id String CODEC(ZSTD(3)),
  severity_number UInt8 COMMENT 'of OpenTelemetry: 1 to 24, 9 is INFO, 17 is ERROR; 0: not told' CODEC(ZSTD(1)),
  severity LowCardinality(String) CODEC(ZSTD(1)),
  body String CODEC(ZSTD(3)),
  attributes Map(LowCardinality(String), String) CODEC(ZSTD(3)),
  INDEX by_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplicatedMergeTree
PARTITION BY toDate(ts)
ORDER BY (toStartOfHour(ts), service, ts)
TTL toDateTime(ts) + INTERVAL 3 DAY
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

CREATE TABLE IF NOT EXISTS runtime_metrics ON CLUSTER 'prod' (
  ts DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
  env LowCardinality(String) CODEC(ZSTD(1)),
  service LowCardinality(String) CODEC(ZSTD(1)),
  instance LowCardinality(String) CODEC(ZSTD(1)),
  metric LowCardinality(String) COMMENT 'as OpenTelemetry names it: v8js.memory.heap.used' CODEC(ZSTD(1)),
  value Float64 CODEC(Gorilla, ZSTD(1)),
  attributes Map(LowCardinality(String), String) COMMENT 'what tells the series of one metric apart' CODEC(ZSTD(1))
)
ENGINE = ReplicatedMergeTree
PARTITION BY toDate(ts)
ORDER BY (service, metric, instance, ts)
TTL toDateTime(ts) + INTERVAL 30 DAY
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

-- 0009_thresholds.sql
CREATE TABLE IF NOT EXISTS thresholds ON CLUSTER 'prod' (
  us UInt64 COMMENT 'microseconds',
  since DateTime64(3, 'UTC') COMMENT 'counts are complete for calls that start at this time or later',
  removed Bool,
  changed_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplicatedReplacingMergeTree(changed_at)
ORDER BY us;

ALTER TABLE calls_1m ON CLUSTER 'prod'
  ADD COLUMN IF NOT EXISTS under SimpleAggregateFunction(sumMap, Map(UInt64, UInt64)) COMMENT 'by latency of thresholds: weighted calls that took less' CODEC(ZSTD(1));

ALTER TABLE calls_15m ON CLUSTER 'prod'
  ADD COLUMN IF NOT EXISTS under SimpleAggregateFunction(sumMap, Map(UInt64, UInt64)) COMMENT 'by latency of thresholds: weighted calls that took less' CODEC(ZSTD(1));

ALTER TABLE calls_15m_feed ON CLUSTER 'prod' MODIFY QUERY
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
  sumMap(calls_1m.under) AS under
FROM calls_1m
GROUP BY quarter, direction, env, service, consumer, plan, style, operation, method, route, peer, status, outcome;

ALTER TABLE calls_1m_feed ON CLUSTER 'prod' MODIFY QUERY
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
  mapFromArrays(latencies, sumForEach(arrayMap(us -> if(calls.duration_us < us, toUInt64(weight), 0), latencies))) AS under
FROM calls
GROUP BY minute, direction, env, service, consumer, plan, style, operation, method, route, peer, status, outcome;

-- 0010_sizes.sql
ALTER TABLE calls ON CLUSTER 'prod'
  MODIFY COLUMN ts DateTime64(6, 'UTC') CODEC(T64, ZSTD(1)),
  MODIFY COLUMN version LowCardinality(String) CODEC(ZSTD(1)),
  MODIFY COLUMN instance LowCardinality(String) CODEC(ZSTD(1)),
  MODIFY COLUMN consumer String CODEC(LZ4),
  MODIFY COLUMN path String CODEC(ZSTD(3)),
  MODIFY COLUMN status UInt16 CODEC(ZSTD(1)),
  MODIFY COLUMN outcome Enum8('ok' = 1, 'client_error' = 2, 'server_error' = 3, 'timeout' = 4, 'aborted' = 5) CODEC(ZSTD(1)),
  MODIFY COLUMN error_code LowCardinality(String) CODEC(ZSTD(1)),
  MODIFY COLUMN client_address String CODEC(ZSTD(3)),
  MODIFY COLUMN user_agent LowCardinality(String) CODEC(ZSTD(1)),
  MODIFY COLUMN detail LowCardinality(String) CODEC(ZSTD(1)),
  MODIFY COLUMN span_id String CODEC(ZSTD(3));

ALTER TABLE calls ON CLUSTER 'prod'
  MODIFY COLUMN ingested_at DateTime64(3, 'UTC') DEFAULT toStartOfMinute(now64(3)) COMMENT 'to the minute';

ALTER TABLE calls ON CLUSTER 'prod' ADD INDEX IF NOT EXISTS by_trace_id trace_id TYPE bloom_filter(0.01) GRANULARITY 1;

ALTER TABLE calls ON CLUSTER 'prod' MATERIALIZE INDEX by_trace_id;

ALTER TABLE calls ON CLUSTER 'prod' DROP INDEX IF EXISTS by_trace;

ALTER TABLE calls_1m ON CLUSTER 'prod'
  MODIFY COLUMN consumer String CODEC(LZ4),
  MODIFY COLUMN status UInt16 CODEC(ZSTD(1)),
  MODIFY COLUMN hist SimpleAggregateFunction(sumMap, Map(UInt16, UInt64)) CODEC(ZSTD(3));

ALTER TABLE calls_15m ON CLUSTER 'prod'
  MODIFY COLUMN status UInt16 CODEC(ZSTD(1)),
  MODIFY COLUMN hist SimpleAggregateFunction(sumMap, Map(UInt16, UInt64)) CODEC(ZSTD(3));

ALTER TABLE calls ON CLUSTER 'prod' MODIFY SETTING materialize_ttl_recalculate_only = 1;

ALTER TABLE payloads ON CLUSTER 'prod' MODIFY SETTING materialize_ttl_recalculate_only = 1;

ALTER TABLE spans ON CLUSTER 'prod' MODIFY SETTING materialize_ttl_recalculate_only = 1;

ALTER TABLE logs ON CLUSTER 'prod' MODIFY SETTING materialize_ttl_recalculate_only = 1;

ALTER TABLE runtime_metrics ON CLUSTER 'prod' MODIFY SETTING materialize_ttl_recalculate_only = 1;

ALTER TABLE calls_1m ON CLUSTER 'prod' MODIFY SETTING materialize_ttl_recalculate_only = 1;

ALTER TABLE calls_15m ON CLUSTER 'prod' MODIFY SETTING materialize_ttl_recalculate_only = 1;

ALTER TABLE instance_calls ON CLUSTER 'prod' MODIFY SETTING materialize_ttl_recalculate_only = 1;

ALTER TABLE agent_reports ON CLUSTER 'prod' MODIFY SETTING materialize_ttl_recalculate_only = 1;

ALTER TABLE agent_reports_15m ON CLUSTER 'prod' MODIFY SETTING materialize_ttl_recalculate_only = 1;

ALTER TABLE objective_states ON CLUSTER 'prod' MODIFY SETTING materialize_ttl_recalculate_only = 1;

ALTER TABLE quota_states ON CLUSTER 'prod' MODIFY SETTING materialize_ttl_recalculate_only = 1;

ALTER TABLE alert_events ON CLUSTER 'prod' MODIFY SETTING materialize_ttl_recalculate_only = 1;

-- 0011_operations_consumers.sql
ALTER TABLE calls_1m ON CLUSTER 'prod'
  ADD COLUMN IF NOT EXISTS fed UInt8 COMMENT '1: operations_1m was fed with it by its view; 0: it was taken over from before' CODEC(ZSTD(1)),
  MODIFY ORDER BY (toStartOfHour(minute), service, operation, consumer, plan, direction, env, style, method, route, peer, status, outcome, minute, fed);

ALTER TABLE calls_15m ON CLUSTER 'prod'
  ADD COLUMN IF NOT EXISTS last_minute SimpleAggregateFunction(max, DateTime('UTC')) COMMENT 'minute of the newest call; 1970: not recorded yet' CODEC(T64, ZSTD(1)),
  ADD COLUMN IF NOT EXISTS fed UInt8 COMMENT '1: operations_15m and consumers_15m were fed with it by their views; 0: it was taken over from before' CODEC(ZSTD(1)),
  MODIFY ORDER BY (toStartOfDay(quarter), service, operation, consumer, plan, direction, env, style, method, route, peer, status, outcome, quarter, fed);

CREATE TABLE IF NOT EXISTS operations_1m ON CLUSTER 'prod' (
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
ENGINE = ReplicatedAggregatingMergeTree
PARTITION BY toYYYYMM(minute)
PRIMARY KEY (toStartOfHour(minute), service, operation)
ORDER BY (toStartOfHour(minute), service, operation, direction, env, outcome, minute)
TTL minute + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800, materialize_ttl_recalculate_only = 1;

CREATE TABLE IF NOT EXISTS operations_15m ON CLUSTER 'prod' (
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
ENGINE = ReplicatedAggregatingMergeTree
PARTITION BY toYYYYMM(quarter)
PRIMARY KEY (toStartOfDay(quarter), service, operation)
ORDER BY (toStartOfDay(quarter), service, operation, direction, env, outcome, quarter)
TTL quarter + INTERVAL 25 MONTH
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800, materialize_ttl_recalculate_only = 1;

CREATE TABLE IF NOT EXISTS consumers_15m ON CLUSTER 'prod' (
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
ENGINE = ReplicatedAggregatingMergeTree
PARTITION BY toYYYYMM(quarter)
PRIMARY KEY (toStartOfDay(quarter), service, consumer)
ORDER BY (toStartOfDay(quarter), service, consumer, plan, direction, env, outcome, quarter)
TTL quarter + INTERVAL 25 MONTH
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800, materialize_ttl_recalculate_only = 1;

CREATE TABLE IF NOT EXISTS consumers_1d ON CLUSTER 'prod' (
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
ENGINE = ReplicatedAggregatingMergeTree
PARTITION BY toYYYYMM(day)
PRIMARY KEY (service, consumer)
ORDER BY (service, consumer, plan, direction, env, outcome, day)
TTL day + INTERVAL 25 MONTH
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800, materialize_ttl_recalculate_only = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS consumers_1d_feed ON CLUSTER 'prod' TO consumers_1d AS
SELECT
  toStartOfDay(quarter) AS day, direction, env, service, consumer, plan, outcome,
  sum(consumers_15m.calls) AS calls,
  max(consumers_15m.last_minute) AS last_minute,
  sumMap(consumers_15m.hist) AS hist
FROM consumers_15m
GROUP BY day, direction, env, service, consumer, plan, outcome;

CREATE MATERIALIZED VIEW IF NOT EXISTS consumers_15m_feed ON CLUSTER 'prod' TO consumers_15m AS
SELECT
  quarter, direction, env, service, consumer, plan, outcome,
  sum(calls_15m.calls) AS calls,
  max(calls_15m.last_minute) AS last_minute,
  sumMap(calls_15m.hist) AS hist
FROM calls_15m
WHERE fed = 1
GROUP BY quarter, direction, env, service, consumer, plan, outcome;

CREATE MATERIALIZED VIEW IF NOT EXISTS operations_15m_feed ON CLUSTER 'prod' TO operations_15m AS
SELECT
  quarter, direction, env, service, operation, outcome,
  sum(calls_15m.calls) AS calls,
  max(calls_15m.last_minute) AS last_minute,
  sumMap(calls_15m.hist) AS hist,
  sumMap(calls_15m.under) AS under
FROM calls_15m
WHERE fed = 1
GROUP BY quarter, direction, env, service, operation, outcome;

CREATE MATERIALIZED VIEW IF NOT EXISTS operations_1m_feed ON CLUSTER 'prod' TO operations_1m AS
SELECT
  minute, direction, env, service, operation, outcome,
  sum(calls_1m.calls) AS calls,
  sumMap(calls_1m.hist) AS hist,
  sumMap(calls_1m.under) AS under
FROM calls_1m
WHERE fed = 1
GROUP BY minute, direction, env, service, operation, outcome;

ALTER TABLE calls_15m_feed ON CLUSTER 'prod' MODIFY QUERY
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

ALTER TABLE calls_1m_feed ON CLUSTER 'prod' MODIFY QUERY
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

-- 0012_objectives.sql
ALTER TABLE objective_states ON CLUSTER 'prod'
  ADD COLUMN IF NOT EXISTS method LowCardinality(String) DEFAULT 'occurrences',
  ADD COLUMN IF NOT EXISTS window_start DateTime('UTC') DEFAULT toDateTime(0) COMMENT 'what is judged begins here; 1970 in rows from before this was kept' CODEC(ZSTD(1)),
  ADD COLUMN IF NOT EXISTS unsure UInt64 DEFAULT 0 COMMENT 'calls of which only the histogram is left, within its error of the latency' CODEC(ZSTD(1)),
  ADD COLUMN IF NOT EXISTS slices UInt64 DEFAULT 0 COMMENT 'slices judged so far; 0 by the method occurrences' CODEC(ZSTD(1)),
  ADD COLUMN IF NOT EXISTS bad_slices Float64 DEFAULT 0 COMMENT 'of ratio_timeslices the sum of their bad shares' CODEC(ZSTD(1)),
  ADD COLUMN IF NOT EXISTS attainment_low Nullable(Float64) COMMENT 'Wilson, 95 %' CODEC(ZSTD(1)),
  ADD COLUMN IF NOT EXISTS attainment_high Nullable(Float64) CODEC(ZSTD(1)),
  ADD COLUMN IF NOT EXISTS burn_rate_30m Nullable(Float64) CODEC(ZSTD(1)),
  ADD COLUMN IF NOT EXISTS burn_rate_2h Nullable(Float64) CODEC(ZSTD(1)),
  ADD COLUMN IF NOT EXISTS burn_rate_6h Nullable(Float64) CODEC(ZSTD(1)),
  ADD COLUMN IF NOT EXISTS burn_rate_1d Nullable(Float64) CODEC(ZSTD(1)),
  ADD COLUMN IF NOT EXISTS burn_rate_3d Nullable(Float64) CODEC(ZSTD(1)),
  ADD COLUMN IF NOT EXISTS burning Array(LowCardinality(String)) COMMENT 'pairs of burn rates that alert: 1h/5m' CODEC(ZSTD(1)),
  ADD COLUMN IF NOT EXISTS exhausted_in_s Nullable(UInt32) COMMENT 'the budget is gone after this, as bad calls come now; 0: it is gone; null: not in this window, or unknown' CODEC(ZSTD(1));

-- 0013_sla_statements.sql
CREATE TABLE IF NOT EXISTS sla_statements ON CLUSTER 'prod' (
  consumer String CODEC(ZSTD(1)),
  month Date COMMENT 'first day of the month, in the calendar of the consumer',
  objective LowCardinality(String) CODEC(ZSTD(1)),
  version UInt32 COMMENT 'from 1; the highest is the one that holds',
  made_at DateTime64(3, 'UTC'),
  final Bool COMMENT 'false: the month was not over, or calls of it could still arrive',
  watermark DateTime64(3, 'UTC') COMMENT 'calls that began before this are judged',
  checksum String COMMENT 'SHA-256 of statement, in hexadecimal',
  terms String COMMENT 'JSON: what was promised and how it is counted' CODEC(ZSTD(3)),
  statement String COMMENT 'JSON, the terms included' CODEC(ZSTD(3))
)
ENGINE = ReplicatedMergeTree
PARTITION BY toYear(month)
ORDER BY (consumer, month, objective, version)
SETTINGS replicated_deduplication_window = 1000, replicated_deduplication_window_seconds = 604800;

-- 0014_quotas.sql
ALTER TABLE quota_states ON CLUSTER 'prod'
  ADD COLUMN IF NOT EXISTS meter LowCardinality(String) DEFAULT 'calls' COMMENT 'what is counted',
  ADD COLUMN IF NOT EXISTS kind LowCardinality(String) DEFAULT 'soft' COMMENT 'hard: for a gateway to enforce',
  ADD COLUMN IF NOT EXISTS corrected Int64 COMMENT 'sum of the corrections in used',
  ADD COLUMN IF NOT EXISTS forecast_low Nullable(Float64) COMMENT 'use at the end of the period: 80 % of forecasts are between low and high',
  ADD COLUMN IF NOT EXISTS forecast Nullable(Float64),
  ADD COLUMN IF NOT EXISTS forecast_high Nullable(Float64),
  ADD COLUMN IF NOT EXISTS forecast_error Nullable(Float64) COMMENT 'back-tested: mean error over actual use',
  ADD COLUMN IF NOT EXISTS exhausted_at Nullable(DateTime('UTC')) COMMENT 'when the limit will be reached; null: not within the period';

ALTER TABLE quota_states ON CLUSTER 'prod' MODIFY COLUMN per LowCardinality(String) COMMENT 'month, 1m, 30d, as configured';

CREATE TABLE IF NOT EXISTS quota_corrections ON CLUSTER 'prod' (
  ts DateTime64(3, 'UTC') COMMENT 'when it was made' CODEC(Delta(8), ZSTD(1)),
  consumer String CODEC(ZSTD(1)),
  quota LowCardinality(String),
  at DateTime64(3, 'UTC') COMMENT 'it counts in the period that contains this time' CODEC(Delta(8), ZSTD(1)),
  amount Int64 COMMENT 'what is added to the use; negative takes away',
  reason String CODEC(ZSTD(1)),
  actor String COMMENT 'who made it' CODEC(ZSTD(1)),
  key String COMMENT 'idempotency key: the same key is one correction' CODEC(ZSTD(1))
)
ENGINE = ReplicatedMergeTree
PARTITION BY toYear(ts)
ORDER BY (consumer, key, ts)
SETTINGS replicated_deduplication_window = 1000, replicated_deduplication_window_seconds = 604800;

CREATE TABLE IF NOT EXISTS quota_thresholds ON CLUSTER 'prod' (
  ts DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  consumer String CODEC(ZSTD(1)),
  quota LowCardinality(String),
  period_start DateTime('UTC') COMMENT '1970-01-01 for a rolling window',
  allowed UInt64,
  threshold LowCardinality(String) COMMENT 'as configured: 80%',
  share Float64 COMMENT 'the same as a number: 0.8',
  used UInt64,
  event_id String COMMENT 'of alert_events and alert_deliveries'
)
ENGINE = ReplicatedMergeTree
PARTITION BY toYYYYMM(ts)
ORDER BY (consumer, quota, ts)
TTL toDateTime(ts) + INTERVAL 25 MONTH
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 1000, replicated_deduplication_window_seconds = 604800, materialize_ttl_recalculate_only = 1;

CREATE TABLE IF NOT EXISTS quota_periods ON CLUSTER 'prod' (
  consumer String CODEC(ZSTD(1)),
  quota LowCardinality(String),
  plan LowCardinality(String),
  per LowCardinality(String),
  period_start DateTime('UTC'),
  period_end DateTime('UTC'),
  allowed UInt64,
  counted UInt64 COMMENT 'by the calls received until now',
  late Int64 COMMENT 'of these, what came after the period was closed',
  corrected Int64 COMMENT 'sum of the corrections',
  closed_at DateTime64(3, 'UTC') COMMENT 'when it was closed: what came later is late',
  changed_at DateTime64(3, 'UTC')
)
ENGINE = ReplicatedReplacingMergeTree(changed_at)
PARTITION BY toYYYYMM(period_start)
ORDER BY (consumer, quota, period_start)
TTL period_end + INTERVAL 25 MONTH
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 1000, replicated_deduplication_window_seconds = 604800, materialize_ttl_recalculate_only = 1;

-- 0015_upstream_limits.sql
CREATE TABLE IF NOT EXISTS upstream_limits ON CLUSTER 'prod' (
  ts DateTime64(6, 'UTC') COMMENT 'when the header of the answer came' CODEC(T64, ZSTD(1)),
  env LowCardinality(String) CODEC(ZSTD(1)),
  service LowCardinality(String) COMMENT 'of ours, that called' CODEC(ZSTD(1)),
  instance LowCardinality(String) CODEC(ZSTD(1)),
  peer LowCardinality(String) COMMENT 'the server that was called' CODEC(ZSTD(1)),
  peer_port UInt16 CODEC(ZSTD(1)),
  policy LowCardinality(String) COMMENT 'the quota as its server names it; empty: it has one only, or does not say' CODEC(ZSTD(1)),
  unit LowCardinality(String) COMMENT 'what is counted: requests, tokens …; empty: not told' CODEC(ZSTD(1)),
  dialect LowCardinality(String) COMMENT 'how it is told: ratelimit, ratelimit-07, ratelimit-03, x-ratelimit, usage; none: only that a call was turned away' CODEC(ZSTD(1)),
  allowed Nullable(UInt64) CODEC(ZSTD(1)),
  remaining Nullable(UInt64) CODEC(ZSTD(1)),
  resets_at Nullable(DateTime64(3, 'UTC')) COMMENT 'when it is whole again' CODEC(ZSTD(1)),
  window_s Nullable(UInt64) COMMENT 'length of its window, seconds' CODEC(ZSTD(1)),
  retry_at Nullable(DateTime64(3, 'UTC')) COMMENT 'no call before this, of Retry-After' CODEC(ZSTD(1)),
  calls UInt64 COMMENT 'weighted: whose answers told of it' CODEC(T64, ZSTD(1)),
  refused UInt64 COMMENT 'of these, turned away for it' CODEC(T64, ZSTD(1))
)
ENGINE = ReplicatedMergeTree
PARTITION BY toDate(ts)
ORDER BY (service, peer, peer_port, policy, ts)
TTL toDateTime(ts) + INTERVAL 30 DAY
SETTINGS ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

-- 0016_alert_states.sql
ALTER TABLE alert_events ON CLUSTER 'prod'
  MODIFY COLUMN state Enum8('inactive' = 0, 'pending' = 1, 'firing' = 2, 'resolved' = 3, 'recovering' = 4, 'nodata' = 5, 'error' = 6);

ALTER TABLE alert_events ON CLUSTER 'prod'
  ADD COLUMN IF NOT EXISTS previous LowCardinality(String) COMMENT 'state before; empty when it was none' AFTER state,
  ADD COLUMN IF NOT EXISTS unit LowCardinality(String) COMMENT 'of value and threshold: ms, ratio, bytes, calls, per_second, factor; empty in old rows' AFTER threshold,
  ADD COLUMN IF NOT EXISTS annotations Map(LowCardinality(String), String) COMMENT 'what the rule says to those who are told, runbook_url among it' AFTER summary;

-- 0017_notices.sql
ALTER TABLE alert_events ON CLUSTER 'prod' ADD COLUMN IF NOT EXISTS receivers Array(LowCardinality(String))
  COMMENT 'channels to be told; empty for what is only kept for the record';

ALTER TABLE alert_events ON CLUSTER 'prod' ADD COLUMN IF NOT EXISTS once Bool
  COMMENT 'told once and over then, such as a threshold of a quota: nothing resolves it and nothing repeats it';

ALTER TABLE alert_events ON CLUSTER 'prod' ADD INDEX IF NOT EXISTS by_id id TYPE bloom_filter(0.001) GRANULARITY 1;

ALTER TABLE alert_deliveries ON CLUSTER 'prod' COMMENT COLUMN event_id 'id of the notice';

CREATE TABLE IF NOT EXISTS alert_notices ON CLUSTER 'prod' (
  made_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  id String COMMENT 'also its webhook-id, so that a receiver can drop a repeated one',
  channel LowCardinality(String),
  group_id String COMMENT 'hash of the group key',
  reason LowCardinality(String) COMMENT 'firing, changed, repeat, resolved, flapping, threshold, muted',
  muted String COMMENT 'why nothing is sent; empty for a notice',
  event_ids Array(String) COMMENT 'the changes of state that it settles',
  open Bool COMMENT 'the group goes on',
  state String COMMENT 'JSON: how the group stands after it' CODEC(ZSTD(1)),
  text String COMMENT 'JSON: the notice, the same in every attempt' CODEC(ZSTD(1)),
  consumers Array(String) COMMENT 'consumers that text names' CODEC(ZSTD(1)),
  INDEX by_id id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplicatedMergeTree
PARTITION BY toYYYYMM(made_at)
ORDER BY (made_at, id)
TTL toDateTime(made_at) + INTERVAL 3 MONTH
SETTINGS ttl_only_drop_parts = 1, replicated_deduplication_window = 1000, replicated_deduplication_window_seconds = 604800;

CREATE TABLE IF NOT EXISTS alert_silences ON CLUSTER 'prod' (
  id String,
  matchers Array(String) COMMENT 'all must hold: service="shop", operation=~"GET .*"',
  starts_at DateTime64(3, 'UTC'),
  ends_at DateTime64(3, 'UTC'),
  author String,
  comment String,
  changed_at DateTime64(3, 'UTC')
)
ENGINE = ReplicatedReplacingMergeTree(changed_at)
ORDER BY id;
