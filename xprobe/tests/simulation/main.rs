//! The engine against the real kernel: sockets, stamps and error queues in network namespaces that
//! each test makes for itself, against a reflector on a TUN device that knows what it did.
//!
//! Needs root and `ip`, some tests `nft` and `setpriv`. Without them the tests say so and pass, unless
//! `IXPQOS_REQUIRE` names `netns`.

#![cfg(test)]

#[path = "../../examples/reflector/lab.rs"]
mod lab;

mod clock_step;
mod firewall;
mod fitness;
mod namespace;
mod network;
mod path;
mod permission;
mod program;
mod reflected;
mod schedule;
mod shape;
mod truth;
