//! The `riverine` program: arguments in, exit code out.

/// Many threads make and drop many small texts: the system's allocator takes twice the time, and keeps what they
/// dropped.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    riverine::cli::main()
}
