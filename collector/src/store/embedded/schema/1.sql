-- Layout 1: what is text lies apart, so that counts and delays are read without it. A row of `ping` names
-- its texts by their number; texts are written one after the other, whichever series they belong to.
ALTER TABLE ping RENAME TO ping_0;

CREATE TABLE ping_text (
    id INTEGER PRIMARY KEY,
    address TEXT, clock TEXT, detail TEXT, error TEXT, hop_limits TEXT, icmp_errors TEXT, kind TEXT,
    loss_runs TEXT, params TEXT, plan TEXT, rtt_hist TEXT, slices TEXT
) STRICT;

CREATE TABLE ping (
    series INTEGER NOT NULL REFERENCES series (id),
    time INTEGER NOT NULL,
    status TEXT NOT NULL,
    text INTEGER NOT NULL REFERENCES ping_text (id),
    avg REAL, duplicates INTEGER, hop_limit INTEGER, ipdv_abs_sum_ns INTEGER, ipdv_pairs INTEGER,
    ipdv_smoothed_ns INTEGER, jitter REAL, late INTEGER, loss REAL, max REAL, measured INTEGER, min REAL,
    period_ns INTEGER, received INTEGER, reordered INTEGER, rtt_count INTEGER, rtt_m2_ns2 REAL,
    rtt_max_ns INTEGER, rtt_min_ns INTEGER, rtt_p50_ns INTEGER, rtt_p95_ns INTEGER, rtt_p99_ns INTEGER,
    rtt_sum_ns INTEGER, sent INTEGER, unsent INTEGER,
    PRIMARY KEY (series, time, status)
) STRICT, WITHOUT ROWID;

INSERT INTO ping_text
SELECT row_number() OVER (ORDER BY series, time, status),
    address, clock, detail, error, hop_limits, icmp_errors, kind, loss_runs, params, plan, rtt_hist, slices
FROM ping_0;

INSERT INTO ping
SELECT series, time, status, row_number() OVER (ORDER BY series, time, status),
    avg, duplicates, hop_limit, ipdv_abs_sum_ns, ipdv_pairs, ipdv_smoothed_ns, jitter, late, loss, max,
    measured, min, period_ns, received, reordered, rtt_count, rtt_m2_ns2, rtt_max_ns, rtt_min_ns, rtt_p50_ns,
    rtt_p95_ns, rtt_p99_ns, rtt_sum_ns, sent, unsent
FROM ping_0;

DROP TABLE ping_0;
