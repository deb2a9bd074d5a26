//! What IXPQoS measures.
