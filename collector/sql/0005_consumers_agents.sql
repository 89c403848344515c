-- Who the consumers are: names and plans as configured, or as the application told its agent.
CREATE TABLE IF NOT EXISTS consumers (
  consumer String,
  name String,
  plan LowCardinality(String),
  changed_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(changed_at)
ORDER BY consumer;

-- What each agent says of itself, cumulative since its start: seen = sent + dropped + what is still on its way.
CREATE TABLE IF NOT EXISTS agent_reports (
  ts DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  env LowCardinality(String),
  service LowCardinality(String),
  instance String CODEC(ZSTD(1)),
  version LowCardinality(String) COMMENT 'of the agent',
  seen UInt64,
  sent UInt64 COMMENT 'acknowledged by a collector',
  dropped Map(LowCardinality(String), UInt64) COMMENT 'by reason'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(ts)
ORDER BY (service, instance, ts)
TTL toDateTime(ts) + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;
