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
SETTINGS insert_deduplication_token = 'migration-0007';
