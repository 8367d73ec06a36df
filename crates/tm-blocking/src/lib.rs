//! Technical tokens of Siemens Insights Hub for blocking programs: threads and ureq.
