-- What happens between a change of an alert's state and a channel.

-- Who is to be told of an event stands in its row: the event and the intention are stored by one insert or not at all.
ALTER TABLE alert_events ADD COLUMN IF NOT EXISTS receivers Array(LowCardinality(String))
  COMMENT 'channels to be told; empty for what is only kept for the record';
ALTER TABLE alert_events ADD COLUMN IF NOT EXISTS once Bool
  COMMENT 'told once and over then, such as a threshold of a quota: nothing resolves it and nothing repeats it';

-- An event is told once, whoever hands it in how often: before it is stored its id is looked for.
ALTER TABLE alert_events ADD INDEX IF NOT EXISTS by_id id TYPE bloom_filter(0.001) GRANULARITY 1;

-- From now on one notice tells of several events. What was delivered before has the id of its one event.
ALTER TABLE alert_deliveries COMMENT COLUMN event_id 'id of the notice';

-- One row for each notice, written before it is sent, and for each decision not to send one (muted says why).
--
-- An event is told to a channel when its id stands in event_ids of a row of that channel: after a restart whatever is
-- missing there is still to be told. The newest row of a group says how the group stands. Both are read at a start,
-- by time, and undelivered notices by id: so the moment is the order, which is also how the table is looked at.
-- text, consumers and nothing else name whom it is about, so that `callsight forget` can empty them and leave the rest:
-- a row that is gone would have its events told again.
CREATE TABLE IF NOT EXISTS alert_notices (
  made_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  id String COMMENT 'also its webhook-id, so that a receiver can drop a repeated one',
  channel LowCardinality(String),
  group_id String COMMENT 'hash of the group key',
  reason LowCardinality(String) COMMENT 'firing, changed, repeat, resolved, flapping, threshold, muted',
  muted String COMMENT 'why nothing is sent; empty for a notice',
  event_ids Array(String) COMMENT 'the changes of state that it settles',
  open Bool COMMENT 'the group goes on',
  state String COMMENT 'JSON: how the group stands after it' CODEC(ZSTD(1)),
  text String COMMENT 'JSON: the notice, the same in every attempt' CODEC(ZSTD(1)),
  consumers Array(String) COMMENT 'consumers that text names' CODEC(ZSTD(1)),
  INDEX by_id id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(made_at)
ORDER BY (made_at, id)
TTL toDateTime(made_at) + INTERVAL 3 MONTH
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;

-- Silences: whom an alert is not told to anybody, from when to when, and who said so. The newest row of an id counts;
-- one that is ended early has its end moved, and stays on record.
CREATE TABLE IF NOT EXISTS alert_silences (
  id String,
  matchers Array(String) COMMENT 'all must hold: service="shop", operation=~"GET .*"',
  starts_at DateTime64(3, 'UTC'),
  ends_at DateTime64(3, 'UTC'),
  author String,
  comment String,
  changed_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(changed_at)
ORDER BY id;
