//! The `riverine` program: arguments in, exit code out.

fn main() -> std::process::ExitCode {
    riverine::cli::main()
}
