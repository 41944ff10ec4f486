//! How long a million draws of a case take on one core: `cargo run --release --example draws`.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use std::time::Instant;
use understudy_case::{Case, Currency, DRAWS, Input, Source, Value, assess};

const FIGURES: [(Input, &str); 9] = [
    (Input::Demand, "120000/s"),
    (Input::Growth, "0%..20%..40%"),
    (Input::IncumbentCapacity, "500..600/s"),
    (Input::IncumbentVcpus, "1 vCPU"),
    (Input::IncumbentMemory, "4 GiB"),
    (Input::CandidateCapacity, "1100..1300/s"),
    (Input::CandidateMemory, "1..2 GiB"),
    (Input::Effort, "6..9..24 person-months"),
    (Input::Incidents, "0..15000 USD"),
];

fn main() -> Result<(), String> {
    let mut case = Case::new("draws".to_owned(), Currency::USD);
    for (input, text) in FIGURES {
        let spread = input.read(text, case.currency)?;
        let source = Source::Stated("this example".to_owned());
        case.set(input, Value { spread, source });
    }
    let resolved = case.resolve().map_err(|problems| format!("{problems:?}"))?;
    for _ in 0..5 {
        let begin = Instant::now();
        let document = assess(&case, &resolved, DRAWS, 1);
        println!(
            "{DRAWS} draws in {:.3} s, P(NPV > 0) = {:.4}",
            begin.elapsed().as_secs_f64(),
            document.p_npv_positive
        );
    }
    Ok(())
}
