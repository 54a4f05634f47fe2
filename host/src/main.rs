//! The `investbot` binary: parse, dispatch, exit code.

fn main() -> std::process::ExitCode {
    investbot::cli::main()
}
