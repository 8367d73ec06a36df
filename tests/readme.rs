//! The examples of the README, compiled as doc tests.
#![doc = include_str!("../README.md")]
