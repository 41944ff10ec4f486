//! An arbitrary `gateway.toml`: reading it never panics, and every mistake names a line that exists. What is taken for a
//! gateway has an address to listen on, a server to ask, and shares and bounds that mean something.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;
use understudy_compare::Day;

// The program's own reader, which is not public.
#[expect(dead_code, unused_imports, reason = "the files of trials are read by the same module")]
#[path = "../../crates/cli/src/config/mod.rs"]
mod config;

/// Where the text lies while it is read.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| std::env::temp_dir().join(format!("gateway-{}.toml", std::process::id())));

fuzz_target!(|text: &str| {
    fs::write(&*FILE, text).expect("a file can be written");
    let today = Day::new(2026, 11, 25).expect("it is a day");
    match config::gateway(&FILE, today) {
        Ok(config) => {
            assert!(!config.listeners.is_empty() && !config.routes.is_empty() && config.workers > 0);
            assert!(!config.incumbent.upstreams.is_empty());
            let is_share = |share: f64| (0.0..=1.0).contains(&share);
            assert!(is_share(config.incumbent.retry_budget) && is_share(config.compare.goal));
            assert!(config.routes.iter().all(|route| route.fraction.is_none_or(is_share)));
            if let Some(candidate) = &config.candidate {
                assert!(!candidate.side.upstreams.is_empty() && candidate.threads > 0);
                assert!(is_share(candidate.fraction) && is_share(candidate.ask_twice));
            }
        }
        Err(mistakes) => {
            assert!(!mistakes.is_empty());
            let (file, lines) = (FILE.display().to_string(), text.lines().count().max(1));
            for mistake in &mistakes {
                let rest = mistake.strip_prefix(&file).unwrap_or_else(|| panic!("no file: {mistake}"));
                let line = rest.strip_prefix(':').and_then(|rest| rest.split(':').next()?.parse::<usize>().ok());
                assert!(line.is_none_or(|line| (1..=lines + 1).contains(&line)), "{mistake} of {lines}");
            }
        }
    }
});
