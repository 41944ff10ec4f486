//! The server with planted faults that whole-process tests use as incumbent and candidate.

fn main() -> std::process::ExitCode {
    understudy_testkit::main()
}
