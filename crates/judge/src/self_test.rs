//! What the comparison with the candidate would have missed.

use crate::Evidence;
use understudy_compare::{Around, Noise, Row, Rule, Rules, Tried, self_test};
use understudy_model::proof::SelfTest;

/// Judges the faults that were put into answers as the answers themselves are judged, with the noise of
/// these; `None` where none was tried.
pub(crate) fn judge(evidence: &Evidence, noise: &Noise, rules: &Rules) -> Option<SelfTest> {
    if evidence.faults.is_empty() {
        return None;
    }
    let faults = evidence.faults.iter();
    let tried: Vec<Tried<'_>> = faults.map(|of| (of.fault, &of.row, 1)).collect();
    let rows: Vec<&Row> = evidence.rows.iter().collect();
    let names: Vec<String> = Rule::names(rules.iter()).collect();
    let around = Around {
        operations: &evidence.operations,
        rules: &names,
        rows: &rows,
    };
    Some(self_test(&tried, noise, around))
}

#[cfg(test)]
mod tests {
    use super::*;
    use understudy_compare::{Day, Differ, History, Outcomes, TriedFault, try_faults};
    use understudy_model::{Answer, Outcome, Place};

    fn answer(number: u32) -> Answer {
        let body = format!(
            "{{\"id\":{number},\"note\":\"a{number}\",\"total\":{}}}",
            number * 7
        );
        understudy_compare::http::answer(200, Vec::new(), body.into_bytes(), false)
    }

    /// Thirty answers of which the candidate's differ in `note`, under these rules.
    fn judged(paths: &[&str]) -> SelfTest {
        let rules = paths.iter().map(|path| Rule {
            path: (*path).to_owned(),
            operation: None,
            kind: None,
            reason: None,
            owner: None,
            expires: None,
            ..Rule::default()
        });
        let rules = Rules::compile(rules.collect(), Day::new(2026, 11, 26).unwrap()).unwrap();
        let redact = |_: Option<&Place>, text: &str| text.to_owned();
        let (differ, operation) = (Differ::new(&rules, &redact), (0, "GET /"));
        let mut evidence = Evidence {
            operations: vec!["GET /".to_owned()],
            ..Evidence::default()
        };
        let mut history = History::default();
        for number in 0..30 {
            let right = answer(number);
            let mut other = right.clone();
            let body = String::from_utf8_lossy(right.bytes("body")).replace("\"a", "\"b");
            other.parts[0].bytes = body.into_bytes();
            let [incumbent, candidate] = [right.clone(), other].map(Outcome::Answered);
            let outcomes = Outcomes {
                incumbent: &incumbent,
                second: Some(&incumbent),
                candidate: &candidate,
            };
            let row = Row::compare(&differ, &mut history, number, operation, outcomes);
            evidence.rows.push(row);
            let tried = try_faults(
                &differ,
                &history,
                operation,
                (&right, &[]),
                u64::from(number),
            );
            let stored = tried
                .into_iter()
                .map(|(fault, row)| TriedFault { fault, row });
            evidence.faults.extend(stored);
        }
        judge(&evidence, &Noise::learn(&evidence.rows), &rules).unwrap()
    }

    #[test]
    fn a_rule_hides_what_it_covers_and_is_broader_than_it_has_to_be_where_nothing_differs() {
        let strict = judged(&[]);
        assert!(strict.injected > 200, "{strict:?}");
        assert_eq!((strict.missed, strict.hidden_by.len()), (0, 0));

        let fitting = judged(&["$.note"]);
        let [note] = &fitting.hidden_by[..] else {
            panic!("{fitting:?}")
        };
        assert_eq!((&note.by[..], note.needless.len()), ("rule 1: $.note", 0));

        let broad = judged(&["$.note", "$.total"]);
        let total = broad.hidden_by.iter().find(|of| of.by == "rule 2: $.total");
        assert_eq!(total.unwrap().needless, ["GET / $.total"]);
        assert!(broad.missed > fitting.missed && broad.injected == strict.injected);
    }

    #[test]
    fn nothing_is_said_where_nothing_was_tried() {
        let (noise, rules) = (Noise::learn(&[]), Rules::default());
        assert_eq!(judge(&Evidence::default(), &noise, &rules), None);
    }
}
