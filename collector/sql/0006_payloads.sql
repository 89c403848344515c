-- What a call carried: headers, query and bodies, of the calls that keep their detail. Redacted before it got here.
--
-- ORDER BY as in calls, and for the same reasons: a call that is known by its row is looked up by its hour, service,
-- operation and moment, which are this key, and "what failed lately here" is one range of it. Bodies of one operation
-- look alike: 200,000 of 2.7 KiB take 39 MiB lying together and 58 MiB ordered by trace. A look-up by trace alone is
-- served by the bloom filter. Rows are large, so a granule holds 512 of them and not 8192: that is what the smallest
-- read unpacks. Either look-up takes some 5 ms then.
-- The day is the partition, so that retention drops whole parts; bodies live a week, calls live longer.
-- Headers are lists, because a header may be sent more than once (Set-Cookie).
CREATE TABLE IF NOT EXISTS payloads (
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
ENGINE = MergeTree
PARTITION BY toDate(ts)
ORDER BY (toStartOfHour(ts), service, operation, ts)
TTL toDateTime(ts) + INTERVAL 7 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000, index_granularity = 512;

-- What the agent tells of a call since this version. Older rows have the defaults.
ALTER TABLE calls
  ADD COLUMN IF NOT EXISTS loop_wait_us UInt64 COMMENT 'of the duration: waiting for a busy event loop; 0 below a millisecond' CODEC(T64, ZSTD(1)) AFTER ttfb_us,
  ADD COLUMN IF NOT EXISTS peer_port UInt16 COMMENT 'of outgoing calls; 0 when unknown' CODEC(T64, ZSTD(1)) AFTER peer,
  ADD COLUMN IF NOT EXISTS operation_source LowCardinality(String) COMMENT 'framework (as registered), config, guess (from the path); empty: before this was recorded' AFTER operation,
  ADD COLUMN IF NOT EXISTS consumer_source LowCardinality(String) COMMENT 'application, host, gateway, mtls, api_key, jwt' AFTER consumer,
  ADD COLUMN IF NOT EXISTS consumer_verified Bool DEFAULT true COMMENT 'false: a claim of a token whose signature nobody has checked' AFTER consumer_source,
  ADD COLUMN IF NOT EXISTS detail LowCardinality(String) COMMENT 'why its payload was kept; empty when it was not' AFTER user_agent;

-- Counters are cumulative from started_at, which tells the lives of an instance apart; gauges are of the moment.
ALTER TABLE agent_reports
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
