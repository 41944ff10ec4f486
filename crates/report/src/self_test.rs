//! What the comparison would have missed, in the words of every form of a report.

use crate::figures::{count, share};
use understudy_model::proof::{Hiding, SelfTest};

/// How many faults were tried and missed.
pub(crate) fn sentence(test: &SelfTest) -> String {
    let tried = format!(
        "{} faults put into answers of the incumbent",
        count(test.injected)
    );
    let (at_compared, missed) = test.at_compared_places();
    let elsewhere = match test.not_compared {
        0 => String::new(),
        others => format!(
            "; {} more are where rules or noise excuse everything",
            count(others)
        ),
    };
    match missed {
        0 => format!("{tried}: all at compared places are found{elsewhere}"),
        missed => format!(
            "{tried}: {} at compared places would be missed ({}){elsewhere}",
            count(missed),
            share(missed as f64 / at_compared as f64)
        ),
    }
}

/// `null 3, number_off 4`
pub(crate) fn faults(of: &Hiding) -> String {
    let faults = of.faults.iter();
    let faults: Vec<String> = faults
        .map(|(name, times)| format!("{name} {}", count(*times)))
        .collect();
    faults.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missed_faults_are_reported_with_their_share() {
        let mut test = SelfTest {
            injected: 1200,
            ..SelfTest::default()
        };
        assert!(sentence(&test).ends_with("all at compared places are found"));
        (test.missed, test.not_compared) = (200, 200);
        let text = sentence(&test);
        assert!(
            text.ends_with("found; 200 more are where rules or noise excuse everything"),
            "{text}"
        );
        test.missed = 212;
        let text = sentence(&test);
        assert!(
            text.contains("12 at compared places would be missed (1.20 %)"),
            "{text}"
        );
    }
}
