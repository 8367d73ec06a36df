//! The Token Management Service of Siemens Insights Hub on loopback, for tests, demos and benchmarks.
