//! Packets that the kernel threw away because we read too slowly.
//!
//! `SO_RXQ_OVFL` gives no control message on ICMP datagram sockets, so the number is read from the
//! kernel's table of sockets.

use std::fs;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;

use ippm::Family;

use super::Mode;

/// The drops of the socket behind `descriptor` since it was opened; `None` if the kernel does not tell.
pub(super) fn of(descriptor: BorrowedFd<'_>, family: Family, mode: Mode) -> Option<u64> {
    let inode = fs::metadata(format!("/proc/self/fd/{}", descriptor.as_raw_fd()))
        .ok()?
        .ino();
    let table = match (family, mode) {
        (Family::V4, Mode::Datagram) => "icmp",
        (Family::V6, Mode::Datagram) => "icmp6",
        (Family::V4, Mode::Raw) => "raw",
        (Family::V6, Mode::Raw) => "raw6",
    };
    // The network namespace of this thread, which need not be that of the process.
    parse(
        &fs::read_to_string(format!("/proc/thread-self/net/{table}")).ok()?,
        inode,
    )
}

/// Finds the drops of the socket with `inode` in a table such as `/proc/net/icmp`.
///
/// Columns: sl, local, remote, st, queues, tr, retrnsmt, uid, timeout, inode, ref, pointer, drops.
#[must_use]
pub fn parse(table: &str, inode: u64) -> Option<u64> {
    table
        .lines()
        .skip(1)
        .map(|line| line.split_ascii_whitespace().collect::<Vec<_>>())
        .find(|columns| columns.get(9).and_then(|column| column.parse().ok()) == Some(inode))
        .and_then(|columns| columns.get(12)?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
 9049: 00000000:003E 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 48213 2 0000000000000000 0
    7: 00000000:0007 00000000:0000 07 00000000:00000300 00:00000000 00000000 65534        0 48214 2 00000000a1b2c3d4 194
";

    #[test]
    fn the_drops_are_those_of_our_own_line() {
        assert_eq!(parse(TABLE, 48213), Some(0));
        assert_eq!(parse(TABLE, 48214), Some(194));
    }

    #[test]
    fn what_the_table_does_not_hold_is_unknown_and_not_zero() {
        for table in [
            TABLE,
            "",
            "sl\n",
            "sl\n 1: 2 3\n",
            "sl\n 1 2 3 4 5 6 7 8 9 48215 1 2 x\n",
        ] {
            assert_eq!(parse(table, 48215), None, "{table}");
        }
    }
}
