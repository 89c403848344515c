-- One row for each API call. Everything else in this database is derived from it.
--
-- ORDER BY starts with the hour: nearly every question names a time range, and the recent one most often; inside an
-- hour the rows of one service, operation and consumer lie together, which is what the questions filter on and what
-- makes them compress. Day partitions, so that retention drops whole parts.
-- Ids are kept as hexadecimal text: any SQL tool can read them, and ZSTD takes the redundant half away again.
-- The deduplication window makes a repeated insert of the same block (same insert_deduplication_token) a no-op, here
-- and, because each roll-up has a window of its own, in every view behind it.
CREATE TABLE IF NOT EXISTS calls (
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
ENGINE = MergeTree
PARTITION BY toDate(ts)
ORDER BY (toStartOfHour(ts), service, operation, consumer, ts)
TTL toDateTime(ts) + INTERVAL 30 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;
