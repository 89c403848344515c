-- The inner spans of traced calls: what happened inside a call. Read by trace, hence the order.
CREATE TABLE IF NOT EXISTS spans (
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
ENGINE = MergeTree
PARTITION BY toDate(ts)
ORDER BY (trace_id, ts)
TTL toDateTime(ts) + INTERVAL 7 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;
