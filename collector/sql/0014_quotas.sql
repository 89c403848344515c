-- Quotas of any meter and period: corrections, what was told of, and what closed periods came to.

ALTER TABLE quota_states
  ADD COLUMN IF NOT EXISTS meter LowCardinality(String) DEFAULT 'calls' COMMENT 'what is counted',
  ADD COLUMN IF NOT EXISTS kind LowCardinality(String) DEFAULT 'soft' COMMENT 'hard: for a gateway to enforce',
  ADD COLUMN IF NOT EXISTS corrected Int64 COMMENT 'sum of the corrections in used',
  ADD COLUMN IF NOT EXISTS forecast_low Nullable(Float64) COMMENT 'use at the end of the period: 80 % of forecasts are between low and high',
  ADD COLUMN IF NOT EXISTS forecast Nullable(Float64),
  ADD COLUMN IF NOT EXISTS forecast_high Nullable(Float64),
  ADD COLUMN IF NOT EXISTS forecast_error Nullable(Float64) COMMENT 'back-tested: mean error over actual use',
  ADD COLUMN IF NOT EXISTS exhausted_at Nullable(DateTime('UTC')) COMMENT 'when the limit will be reached; null: not within the period';

-- The column says per, which has more words now.
ALTER TABLE quota_states MODIFY COLUMN per LowCardinality(String) COMMENT 'month, 1m, 30d, as configured';

-- Corrections of use, append only: what was wrong is put right by another row. A key is there once; of two collectors
-- that took the same key at the same moment the earlier row counts.
-- ORDER BY: what is asked for is one consumer's key, or everything of a time, of which there is little.
-- No TTL: a correction is part of what was billed, and a year's quota needs those of its first day.
CREATE TABLE IF NOT EXISTS quota_corrections (
  ts DateTime64(3, 'UTC') COMMENT 'when it was made' CODEC(Delta(8), ZSTD(1)),
  consumer String CODEC(ZSTD(1)),
  quota LowCardinality(String),
  at DateTime64(3, 'UTC') COMMENT 'it counts in the period that contains this time' CODEC(Delta(8), ZSTD(1)),
  amount Int64 COMMENT 'what is added to the use; negative takes away',
  reason String CODEC(ZSTD(1)),
  actor String COMMENT 'who made it' CODEC(ZSTD(1)),
  key String COMMENT 'idempotency key: the same key is one correction' CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYear(ts)
ORDER BY (consumer, key, ts)
SETTINGS non_replicated_deduplication_window = 1000;

-- Thresholds that were told of. A start reads what is not to be told again.
CREATE TABLE IF NOT EXISTS quota_thresholds (
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
ENGINE = MergeTree
PARTITION BY toYYYYMM(ts)
ORDER BY (consumer, quota, ts)
TTL toDateTime(ts) + INTERVAL 25 MONTH
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000, materialize_ttl_recalculate_only = 1;

-- What closed periods came to. The newest row of a period counts: calls that come late are added to it.
CREATE TABLE IF NOT EXISTS quota_periods (
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
ENGINE = ReplacingMergeTree(changed_at)
PARTITION BY toYYYYMM(period_start)
ORDER BY (consumer, quota, period_start)
TTL period_end + INTERVAL 25 MONTH
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000, materialize_ttl_recalculate_only = 1;
