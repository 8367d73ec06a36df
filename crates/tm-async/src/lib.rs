//! Technical tokens of Siemens Insights Hub for async programs: tokio and reqwest.
