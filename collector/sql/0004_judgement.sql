-- What the judge found. Append only: the newest row of a key is its state, the rows before it are its history.

-- Objectives: good and bad calls of the whole window, at the time of the row. consumer is empty for a promise over all.
CREATE TABLE IF NOT EXISTS objective_states (
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
ENGINE = MergeTree
PARTITION BY toYYYYMM(ts)
ORDER BY (objective, consumer, ts)
TTL toDateTime(ts) + INTERVAL 25 MONTH
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

-- Quotas: use of the current period by consumer.
CREATE TABLE IF NOT EXISTS quota_states (
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
ENGINE = MergeTree
PARTITION BY toYYYYMM(ts)
ORDER BY (consumer, quota, ts)
TTL toDateTime(ts) + INTERVAL 25 MONTH
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

-- Alerts: one row for each change of state of one alert (rule and label set).
CREATE TABLE IF NOT EXISTS alert_events (
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
ENGINE = MergeTree
PARTITION BY toYYYYMM(ts)
ORDER BY (rule, fingerprint, ts)
TTL toDateTime(ts) + INTERVAL 25 MONTH
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

-- One row for each attempt to deliver a notice.
CREATE TABLE IF NOT EXISTS alert_deliveries (
  ts DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  event_id String,
  channel LowCardinality(String),
  attempt UInt16,
  done Bool COMMENT 'delivered, or given up: no further attempt follows',
  status UInt16 COMMENT 'HTTP status, 0 without an answer',
  error String
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(ts)
ORDER BY (event_id, channel, ts)
TTL toDateTime(ts) + INTERVAL 3 MONTH
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

-- Alert rules made by the API or the command line; those of callsight.yaml stay in the file. The newest row of a name
-- counts, and a removed rule is a row that says so.
CREATE TABLE IF NOT EXISTS alert_rules (
  name String,
  rule String COMMENT 'JSON, as in callsight.yaml',
  removed Bool,
  changed_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(changed_at)
ORDER BY name;
