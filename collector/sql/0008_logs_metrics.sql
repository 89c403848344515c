-- What arrives besides calls and spans: log records, and gauges of the runtimes that serve the calls.

-- Log records that are no call. They stand beside the trace they were written in, and a log store proper keeps the rest,
-- so they live for three days.
-- ORDER BY as in calls: "what did this service write around then" is one range of it; the bloom filter finds a trace.
CREATE TABLE IF NOT EXISTS logs (
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
ENGINE = MergeTree
PARTITION BY toDate(ts)
ORDER BY (toStartOfHour(ts), service, ts)
TTL toDateTime(ts) + INTERVAL 3 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;

-- Gauges: memory, event loop, what else a runtime tells of itself. One series is one run of rows, hence the order.
CREATE TABLE IF NOT EXISTS runtime_metrics (
  ts DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
  env LowCardinality(String) CODEC(ZSTD(1)),
  service LowCardinality(String) CODEC(ZSTD(1)),
  instance LowCardinality(String) CODEC(ZSTD(1)),
  metric LowCardinality(String) COMMENT 'as OpenTelemetry names it: v8js.memory.heap.used' CODEC(ZSTD(1)),
  value Float64 CODEC(Gorilla, ZSTD(1)),
  attributes Map(LowCardinality(String), String) COMMENT 'what tells the series of one metric apart' CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toDate(ts)
ORDER BY (service, metric, instance, ts)
TTL toDateTime(ts) + INTERVAL 30 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;
