-- What the judge finds of an objective beyond its share: slices of time, how sure it is, every burn rate, and when the
-- budget is gone. ORDER BY, partition and TTL stay: a state is looked up by its name and consumer, the newest first.
-- total and bad are calls by every method. Rows from before have what the table was made with.
ALTER TABLE objective_states
  ADD COLUMN IF NOT EXISTS method LowCardinality(String) DEFAULT 'occurrences',
  ADD COLUMN IF NOT EXISTS window_start DateTime('UTC') DEFAULT toDateTime(0) COMMENT 'what is judged begins here; 1970 in rows from before this was kept' CODEC(ZSTD(1)),
  ADD COLUMN IF NOT EXISTS unsure UInt64 DEFAULT 0 COMMENT 'calls of which only the histogram is left, within its error of the latency' CODEC(ZSTD(1)),
  ADD COLUMN IF NOT EXISTS slices UInt64 DEFAULT 0 COMMENT 'slices judged so far; 0 by the method occurrences' CODEC(ZSTD(1)),
  ADD COLUMN IF NOT EXISTS bad_slices Float64 DEFAULT 0 COMMENT 'of ratio_timeslices the sum of their bad shares' CODEC(ZSTD(1)),
  ADD COLUMN IF NOT EXISTS attainment_low Nullable(Float64) COMMENT 'Wilson, 95 %' CODEC(ZSTD(1)),
  ADD COLUMN IF NOT EXISTS attainment_high Nullable(Float64) CODEC(ZSTD(1)),
  ADD COLUMN IF NOT EXISTS burn_rate_30m Nullable(Float64) CODEC(ZSTD(1)),
  ADD COLUMN IF NOT EXISTS burn_rate_2h Nullable(Float64) CODEC(ZSTD(1)),
  ADD COLUMN IF NOT EXISTS burn_rate_6h Nullable(Float64) CODEC(ZSTD(1)),
  ADD COLUMN IF NOT EXISTS burn_rate_1d Nullable(Float64) CODEC(ZSTD(1)),
  ADD COLUMN IF NOT EXISTS burn_rate_3d Nullable(Float64) CODEC(ZSTD(1)),
  ADD COLUMN IF NOT EXISTS burning Array(LowCardinality(String)) COMMENT 'pairs of burn rates that alert: 1h/5m' CODEC(ZSTD(1)),
  ADD COLUMN IF NOT EXISTS exhausted_in_s Nullable(UInt32) COMMENT 'the budget is gone after this, as bad calls come now; 0: it is gone; null: not in this window, or unknown' CODEC(ZSTD(1));
