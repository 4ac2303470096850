//! The search: `cargo xtask fuzz TARGET` builds this with coverage and runs it. `CORDON_FUZZ_TARGET` names the target; all else are
//! libFuzzer's own options.
#![no_main]
#![allow(unsafe_code, reason = "`fuzz_target!` exports its functions by name")]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<&'static cordon_fuzz::Target> = LazyLock::new(|| {
    let name = std::env::var("CORDON_FUZZ_TARGET").unwrap_or_default();
    cordon_fuzz::target(&name)
        .unwrap_or_else(|| panic!("no target `{name}`; `cargo xtask fuzz --list` has them"))
});

fuzz_target!(|bytes: &[u8]| (TARGET.run)(bytes));
