//! The target named in `TM_FUZZ_TARGET` under libFuzzer: see `cargo xtask fuzz`.
#![no_main]

use std::sync::LazyLock;

use tm_fuzz::Target;

static TARGET: LazyLock<&'static Target> = LazyLock::new(|| {
    let name = std::env::var("TM_FUZZ_TARGET").expect("TM_FUZZ_TARGET names the target");
    tm_fuzz::target(&name).expect("there is such a target")
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (TARGET.run)(bytes));
