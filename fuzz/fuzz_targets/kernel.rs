//! What the kernel tells about this host: its neighbors over netlink, and its tables in `/proc`, which a container
//! may replace.

#![no_main]

use std::net::IpAddr;

use libfuzzer_sys::fuzz_target;
use xprobe::fuzzing;
use xprobe::net::{drops, fuzzing::neighbors};

fuzz_target!(|bytes: &[u8]| {
    if let Ok((found, _)) = neighbors(bytes) {
        for address in found {
            // Read from what was there.
            let octets = match address {
                IpAddr::V4(address) => address.octets().to_vec(),
                IpAddr::V6(address) => address.octets().to_vec(),
            };
            assert!(bytes.windows(octets.len()).any(|window| window == octets));
        }
    }
    if let Ok(text) = str::from_utf8(bytes) {
        let _ = drops::parse(text, 48214);
        // Before and after a round, with a zero byte between them.
        let (before, now) = text.split_once('\0').unwrap_or((text, text));
        let (steal_ppm, grown) = fuzzing::counters(before, now);
        if before == now {
            assert!(steal_ppm.is_none(), "no time, no share");
            assert!(grown.is_none_or(|grown| grown == (0, 0)));
        }
    }
});
