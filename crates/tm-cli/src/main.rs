//! The program `tm`.
fn main() {}
