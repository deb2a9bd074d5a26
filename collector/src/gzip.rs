//! Bodies as gzip (RFC 1952): what is sent to a store, and what readers are answered.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

/// Below this a body is sent as it is: compressing it saves no packet.
pub(crate) const MIN_BYTES: usize = 1024;

/// Fast rather than small: lines and answers are much alike, and level 1 finds most of it.
pub(crate) fn pack(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    // Writing to memory cannot fail.
    let _ = encoder.write_all(body);
    encoder.finish().unwrap_or_default()
}
