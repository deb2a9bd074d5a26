-- Layout 0: everything that is known about a result in one row.
CREATE TABLE schema_version (version INTEGER NOT NULL) STRICT;
INSERT INTO schema_version VALUES (0);

CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    target TEXT NOT NULL,
    family INTEGER NOT NULL,
    test TEXT NOT NULL,
    UNIQUE (source, target, family, test)
) STRICT;

CREATE TABLE ping (
    series INTEGER NOT NULL REFERENCES series (id),
    time INTEGER NOT NULL,
    status TEXT NOT NULL,
    avg REAL, duplicates INTEGER, hop_limit INTEGER, ipdv_abs_sum_ns INTEGER, ipdv_pairs INTEGER,
    ipdv_smoothed_ns INTEGER, jitter REAL, late INTEGER, loss REAL, max REAL, measured INTEGER, min REAL,
    period_ns INTEGER, received INTEGER, reordered INTEGER, rtt_count INTEGER, rtt_m2_ns2 REAL,
    rtt_max_ns INTEGER, rtt_min_ns INTEGER, rtt_p50_ns INTEGER, rtt_p95_ns INTEGER, rtt_p99_ns INTEGER,
    rtt_sum_ns INTEGER, sent INTEGER, unsent INTEGER,
    address TEXT, clock TEXT, detail TEXT, error TEXT, hop_limits TEXT, icmp_errors TEXT, kind TEXT,
    loss_runs TEXT, params TEXT, plan TEXT, rtt_hist TEXT, slices TEXT,
    PRIMARY KEY (series, time, status)
) STRICT, WITHOUT ROWID;

CREATE TABLE probe_run (
    source TEXT NOT NULL,
    time INTEGER NOT NULL,
    clock_offset_ns INTEGER, clock_steps INTEGER, clock_synchronised INTEGER, collector_offset_ns INTEGER,
    cut_short TEXT, duration_ns INTEGER, engine TEXT, origin TEXT, plan TEXT, receive_drops INTEGER,
    received_at INTEGER, results INTEGER, send_lag_p99_ns INTEGER, skew_ns INTEGER, stamps_discarded INTEGER,
    stamps_missing INTEGER, suspect TEXT, version TEXT,
    PRIMARY KEY (source, time)
) STRICT, WITHOUT ROWID;

CREATE TABLE collector_run (
    time INTEGER NOT NULL,
    instance TEXT NOT NULL,
    listening INTEGER,
    PRIMARY KEY (time, instance)
) STRICT, WITHOUT ROWID;

CREATE TABLE plan_version (
    probe TEXT NOT NULL,
    time INTEGER NOT NULL,
    record TEXT, version TEXT,
    PRIMARY KEY (probe, time)
) STRICT;
