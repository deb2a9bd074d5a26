//! IXPQoS.
