//! The binary from outside, against a real Operaton.
