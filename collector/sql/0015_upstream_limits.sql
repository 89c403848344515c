-- What answers to outgoing calls tell of our quotas at other servers: RateLimit, X-RateLimit, Retry-After. A row is the
-- newest word of a server on one quota, of one second of calls in one request of a sender, so an instance makes some rows
-- a second at most, however many calls it makes.
--
-- ORDER BY is the quota, then the time: its newest row, and how it was used up since, is one run of rows. Days as
-- partitions, because rows leave by age, and questions look back for days. NULL is what an answer did not tell.
CREATE TABLE IF NOT EXISTS upstream_limits (
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
ENGINE = MergeTree
PARTITION BY toDate(ts)
ORDER BY (service, peer, peer_port, policy, ts)
TTL toDateTime(ts) + INTERVAL 30 DAY
SETTINGS ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, non_replicated_deduplication_window = 10000;
