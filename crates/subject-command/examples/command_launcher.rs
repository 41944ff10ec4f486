//! A launcher of its own, for the tests: what the hidden command of `understudy` does.

fn main() -> std::io::Result<()> {
    understudy_subject_command::serve()
}
