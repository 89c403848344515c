-- Exact counts under the latencies that objectives promise. A histogram answers "how many were faster than x" for every
-- x, up to 2.2 % beside it; a promise needs x itself.

-- The latencies counted now, written by the collector from its configuration. The newest row of a latency counts, and
-- one that is not promised any more is a row that says so.
CREATE TABLE IF NOT EXISTS thresholds (
  us UInt64 COMMENT 'microseconds',
  since DateTime64(3, 'UTC') COMMENT 'counts are complete for calls that start at this time or later',
  removed Bool,
  changed_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(changed_at)
ORDER BY us;

ALTER TABLE calls_1m
  ADD COLUMN IF NOT EXISTS under SimpleAggregateFunction(sumMap, Map(UInt64, UInt64)) COMMENT 'by latency of thresholds: weighted calls that took less' CODEC(ZSTD(1));

ALTER TABLE calls_15m
  ADD COLUMN IF NOT EXISTS under SimpleAggregateFunction(sumMap, Map(UInt64, UInt64)) COMMENT 'by latency of thresholds: weighted calls that took less' CODEC(ZSTD(1));

-- The later view first: whatever the earlier one writes is then taken on at once.
ALTER TABLE calls_15m_feed MODIFY QUERY
SELECT
  toStartOfFifteenMinutes(minute) AS quarter,
  direction, env, service, consumer, plan, style, operation, method, route, peer, status, outcome,
  sum(calls_1m.calls) AS calls,
  sum(calls_1m.units) AS units,
  sum(calls_1m.request_bytes) AS request_bytes,
  sum(calls_1m.response_bytes) AS response_bytes,
  sum(calls_1m.duration_us) AS duration_us,
  max(calls_1m.duration_us_max) AS duration_us_max,
  sumMap(calls_1m.hist) AS hist,
  sumMap(calls_1m.under) AS under
FROM calls_1m
GROUP BY quarter, direction, env, service, consumer, plan, style, operation, method, route, peer, status, outcome;

-- The latencies are read once for each insert. A repeated insert has the token of the first, so what one insert counted
-- stays as it was counted, whatever has become of the latencies since.
-- Each latency is one comparison for each call, added up side by side: some 10 ns a call and latency, and nothing while
-- there is none. One sumMap by the next higher latency costs several times as much.
ALTER TABLE calls_1m_feed MODIFY QUERY
WITH (SELECT arraySort(groupArray(us)) FROM thresholds FINAL WHERE NOT removed) AS latencies
SELECT
  toStartOfMinute(toDateTime(ts, 'UTC')) AS minute,
  direction, env, service, consumer, plan, style, operation, method, route, peer, status, outcome,
  sum(toUInt64(weight)) AS calls,
  sum(toUInt64(units) * weight) AS units,
  sum(calls.request_bytes * weight) AS request_bytes,
  sum(calls.response_bytes * weight) AS response_bytes,
  sum(calls.duration_us * weight) AS duration_us,
  max(calls.duration_us) AS duration_us_max,
  sumMap(map(toUInt16(ceil(log2(greatest(calls.duration_us, 1)) * 16)), toUInt64(weight))) AS hist,
  mapFromArrays(latencies, sumForEach(arrayMap(us -> if(calls.duration_us < us, toUInt64(weight), 0), latencies))) AS under
FROM calls
GROUP BY minute, direction, env, service, consumer, plan, style, operation, method, route, peer, status, outcome;
