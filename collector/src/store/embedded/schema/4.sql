-- Layout 4: hours and days, how many results each hour has, and announced work.
--
-- What is kept for each hour or day of each series has the number `slot << 32 | series`, the slot being hours
-- or days since 1970: what is written together and read together lies together, and old slots go from the front.
-- `series` and `time` are computed from it and take no space.

-- The start of the latest day that has a cell: a series goes when that day does.
ALTER TABLE series ADD COLUMN last_day INTEGER;

CREATE TABLE row_count (
    id INTEGER PRIMARY KEY,
    series INTEGER GENERATED ALWAYS AS (id & 4294967295) VIRTUAL,
    time INTEGER GENERATED ALWAYS AS ((id >> 32) * 3600000000000) VIRTUAL,
    [rows] INTEGER NOT NULL
) STRICT;

INSERT INTO row_count (id, [rows])
SELECT ((time - time % coalesce(nullif(period_ns, 0), 1)) / 3600000000000 << 32) | series, 1 FROM ping WHERE true
ON CONFLICT DO UPDATE SET [rows] = [rows] + 1;

CREATE TABLE cell_1h (
    id INTEGER PRIMARY KEY,
    series INTEGER GENERATED ALWAYS AS (id & 4294967295) VIRTUAL,
    time INTEGER GENERATED ALWAYS AS ((id >> 32) * 3600000000000) VIRTUAL,
    [rows] INTEGER NOT NULL, rounds INTEGER NOT NULL, rounds_suspect INTEGER NOT NULL,
    rounds_lossy INTEGER NOT NULL, rounds_down INTEGER NOT NULL, rounds_error INTEGER NOT NULL,
    rounds_legacy INTEGER NOT NULL, sent INTEGER NOT NULL, received INTEGER NOT NULL,
    late INTEGER NOT NULL, duplicates INTEGER NOT NULL, reordered INTEGER NOT NULL, unsent INTEGER NOT NULL,
    lost_sq_sum INTEGER NOT NULL, ipdv_pairs INTEGER NOT NULL, ipdv_abs_sum_ns INTEGER NOT NULL,
    legacy_avg_count INTEGER NOT NULL, legacy_avg_sum_ns INTEGER NOT NULL, legacy_loss_sum REAL NOT NULL,
    rtt_count INTEGER NOT NULL, rtt_sum_ns INTEGER, rtt_m2_ns2 REAL, rtt_min_ns INTEGER, rtt_max_ns INTEGER,
    loss_hist TEXT NOT NULL, rtt_hist BLOB
) STRICT;

-- Slices are many times as much as all the rest, and hardly ever looked at.
CREATE TABLE cell_1h_slices (
    id INTEGER PRIMARY KEY,
    slices BLOB NOT NULL
) STRICT;

CREATE TABLE cell_1d (
    id INTEGER PRIMARY KEY,
    series INTEGER GENERATED ALWAYS AS (id & 4294967295) VIRTUAL,
    time INTEGER GENERATED ALWAYS AS ((id >> 32) * 86400000000000) VIRTUAL,
    [rows] INTEGER NOT NULL, rounds INTEGER NOT NULL, rounds_suspect INTEGER NOT NULL,
    rounds_lossy INTEGER NOT NULL, rounds_down INTEGER NOT NULL, rounds_error INTEGER NOT NULL,
    rounds_legacy INTEGER NOT NULL, sent INTEGER NOT NULL, received INTEGER NOT NULL,
    late INTEGER NOT NULL, duplicates INTEGER NOT NULL, reordered INTEGER NOT NULL, unsent INTEGER NOT NULL,
    lost_sq_sum INTEGER NOT NULL, ipdv_pairs INTEGER NOT NULL, ipdv_abs_sum_ns INTEGER NOT NULL,
    legacy_avg_count INTEGER NOT NULL, legacy_avg_sum_ns INTEGER NOT NULL, legacy_loss_sum REAL NOT NULL,
    rtt_count INTEGER NOT NULL, rtt_sum_ns INTEGER, rtt_m2_ns2 REAL, rtt_min_ns INTEGER, rtt_max_ns INTEGER,
    loss_hist TEXT NOT NULL, rtt_hist BLOB
) STRICT;

CREATE TABLE maintenance (
    id TEXT NOT NULL,
    time INTEGER NOT NULL,
    deleted INTEGER, [from] INTEGER, reason TEXT, scope TEXT, [to] INTEGER,
    PRIMARY KEY (id, time)
) STRICT;
