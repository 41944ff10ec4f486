//! Prints when the requests of a run are due, nanoseconds since its start, one a line: the arrivals that
//! `bench/load.py truth` simulates.
//!
//! `arrivals poisson|constant RATE SEED SECONDS`

#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::str::FromStr;
use understudy_load::Schedule;
use understudy_model::Arrivals;

fn main() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [arrivals, rate, seed, seconds] = arguments.as_slice() else {
        return Err("usage: arrivals poisson|constant RATE SEED SECONDS".to_owned());
    };
    let arrivals = match arrivals.as_str() {
        "poisson" => Arrivals::Poisson,
        "constant" => Arrivals::Constant,
        other => return Err(format!("{other:?} is neither poisson nor constant")),
    };
    let end_ns = (number::<f64>(seconds)? * 1e9) as u64;
    Schedule::new(arrivals, number(rate)?, number(seed)?, 0, 1)
        .take_while(|due| *due < end_ns)
        .for_each(|due| println!("{due}"));
    Ok(())
}

fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is not a number"))
}
