//! The one-shot probe of IXPQoS: measures every target of its plan once, reports, and ends.

pub mod driver;
pub mod net;
pub mod packet;
pub mod round;
