//! What there is to decide about technical tokens of Siemens Insights Hub, without doing anything: no I/O, no clock, no thread.
