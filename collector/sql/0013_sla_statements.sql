-- SLA statements as they were made: one row for each version of a consumer's month under one objective. Append only: a
-- statement that comes out differently is a further version, and the earlier ones stay as they were sent.
--
-- ORDER BY is how statements are asked for: those of a consumer, then of a month. A partition for each year: a few
-- kilobytes for each consumer and month are never many parts. No TTL: a statement outlives the calls it was made from, as
-- long as somebody may dispute it; `callsight forget` removes those of one consumer.
CREATE TABLE IF NOT EXISTS sla_statements (
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
ENGINE = MergeTree
PARTITION BY toYear(month)
ORDER BY (consumer, month, objective, version)
SETTINGS non_replicated_deduplication_window = 1000;
