//! What the comparison would have missed, in the words of every form of a report.

use crate::figures::{count, share};
use understudy_model::proof::{Hiding, SelfTest};

/// How many faults were tried and missed.
pub(crate) fn sentence(test: &SelfTest) -> String {
    let tried = format!(
        "{} faults put into answers of the incumbent",
        count(test.injected)
    );
    match test.missed {
        0 => format!("{tried}: the comparison finds all"),
        missed => format!(
            "{tried}: {} would be missed ({})",
            count(missed),
            share(missed as f64 / test.injected as f64)
        ),
    }
}

/// What hides faults, how many of which, and whether it has to.
pub(crate) fn hiding(of: &Hiding) -> String {
    format!("{} hides {}{}", of.by, faults(of), needless(of))
}

/// `null 3, number_off 4`
pub(crate) fn faults(of: &Hiding) -> String {
    let faults = of.faults.iter();
    let faults: Vec<String> = faults
        .map(|(name, times)| format!("{name} {}", count(*times)))
        .collect();
    faults.join(", ")
}

fn needless(of: &Hiding) -> String {
    match of.needless.as_slice() {
        [] => String::new(),
        places => format!("; no answer differs at {}: narrow it", places.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missed_is_told_with_its_share_and_what_hides_it() {
        let mut test = SelfTest {
            injected: 1200,
            ..SelfTest::default()
        };
        assert!(sentence(&test).ends_with("the comparison finds all"));
        test.missed = 12;
        assert!(
            sentence(&test).ends_with("12 would be missed (1.00 %)"),
            "{}",
            sentence(&test)
        );
        let of = Hiding {
            by: "rule 1: $.items".to_owned(),
            missed: 7,
            faults: [("null".to_owned(), 3), ("number_off".to_owned(), 4)].into(),
            places: vec!["GET / $.items".to_owned()],
            needless: Vec::new(),
            baseline: "1".to_owned(),
            contender: "null".to_owned(),
        };
        assert_eq!(hiding(&of), "rule 1: $.items hides null 3, number_off 4");
        let wide = Hiding {
            needless: of.places.clone(),
            ..of
        };
        assert!(hiding(&wide).ends_with("; no answer differs at GET / $.items: narrow it"));
    }
}
