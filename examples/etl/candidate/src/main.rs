//! Turns a shop's orders into tables: the rewrite of `../incumbent`.
//!
//!     etl FOLDER OUT

mod input;
mod number;
mod output;
mod pipeline;
mod table;

use anyhow::{Context, bail};
use std::path::Path;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, out] = arguments.as_slice() else {
        bail!("usage: etl FOLDER OUT");
    };
    let (folder, out) = (Path::new(folder), Path::new(out));
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let texts = (
        read("orders.jsonl")?,
        read("customers.jsonl")?,
        read("rates.jsonl")?,
    );
    let orders = input::latest(input::rows(&texts.0)?);
    let customers = input::rows(&texts.1)?;
    let rates = input::rows(&texts.2)?;
    let result = pipeline::run(&orders, &customers, &rates)?;
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    output::write(&result, out)?;
    say(&output::summary(&result));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "what it did is its output")]
fn say(line: &str) {
    println!("{line}");
}
