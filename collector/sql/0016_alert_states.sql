-- Alerts learn to recover, and rules to have no data or to fail, each apart from firing. The new values of the
-- enumeration come after those that are stored, so nothing is rewritten; the same for the columns, whose rows of before
-- read as empty. ORDER BY, partition and TTL stay: an alert's events are asked for by rule and fingerprint.
ALTER TABLE alert_events
  MODIFY COLUMN state Enum8('inactive' = 0, 'pending' = 1, 'firing' = 2, 'resolved' = 3, 'recovering' = 4, 'nodata' = 5, 'error' = 6);

ALTER TABLE alert_events
  ADD COLUMN IF NOT EXISTS previous LowCardinality(String) COMMENT 'state before; empty when it was none' AFTER state,
  ADD COLUMN IF NOT EXISTS unit LowCardinality(String) COMMENT 'of value and threshold: ms, ratio, bytes, calls, per_second, factor; empty in old rows' AFTER threshold,
  ADD COLUMN IF NOT EXISTS annotations Map(LowCardinality(String), String) COMMENT 'what the rule says to those who are told, runbook_url among it' AFTER summary;
