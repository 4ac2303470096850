//! The binary: see the library.

/// A call makes some hundred short-lived allocations on several threads; the system's allocator is slow at that, and
/// what it keeps between them grows.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cordon::cli::main()
}
