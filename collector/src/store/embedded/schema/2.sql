-- Layout 2: a round also tells about the host that it ran on.
ALTER TABLE probe_run RENAME TO probe_run_0;

CREATE TABLE probe_run (
    source TEXT NOT NULL,
    time INTEGER NOT NULL,
    clock_error_ns INTEGER, clock_frequency_ppb INTEGER, clock_offset_ns INTEGER, clock_steps INTEGER,
    clock_synchronised INTEGER, collector_offset_ns INTEGER, cpu_own_ns INTEGER, cpu_steal_ppm INTEGER,
    cut_short TEXT, duration_ns INTEGER, engine TEXT, icmp_msgs_per_s INTEGER, icmp_rate_limited INTEGER,
    icmp_ratelimit_ms INTEGER, interface_drops INTEGER, interface_errors INTEGER, neighbor_limit INTEGER,
    neighbor_overflows INTEGER, neighbors_unresolved INTEGER, origin TEXT, plan TEXT, receive_drops INTEGER,
    received_at INTEGER, results INTEGER, send_lag_max_ns INTEGER, send_lag_p50_ns INTEGER, send_lag_p99_ns
    INTEGER, skew_ns INTEGER, stamps_discarded INTEGER, stamps_missing INTEGER, suspect TEXT, unsent_errors
    TEXT, version TEXT,
    PRIMARY KEY (source, time)
) STRICT, WITHOUT ROWID;

INSERT INTO probe_run (source, time,
    clock_offset_ns, clock_steps, clock_synchronised, collector_offset_ns, cut_short, duration_ns, engine,
    origin, plan, receive_drops, received_at, results, send_lag_p99_ns, skew_ns, stamps_discarded,
    stamps_missing, suspect, version)
SELECT source, time,
    clock_offset_ns, clock_steps, clock_synchronised, collector_offset_ns, cut_short, duration_ns, engine,
    origin, plan, receive_drops, received_at, results, send_lag_p99_ns, skew_ns, stamps_discarded,
    stamps_missing, suspect, version
FROM probe_run_0;

DROP TABLE probe_run_0;
