//! The record of one compared request: a line of `differences.jsonl`.

use crate::differ::{Compared, Differ, Past};
use crate::history::History;
use serde::{Deserialize, Serialize};
use understudy_model::{Class, Difference, Outcome, Place};

/// What one request showed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Index of the request in the workload.
    pub request: u32,
    /// Index of its operation.
    #[serde(alias = "endpoint")]
    pub operation: u32,
    /// Why the pair could not be compared; unset when it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<String>,
    /// What of the pair was not compared although it differs elsewhere: it is lost as well if all that differs is
    /// excused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
    /// The status of the incumbent's answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    /// What the kind of subject makes of it; unset in rows of format 1, which are of HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    /// Bytes of the incumbent's body, without its content codings.
    #[serde(default)]
    pub bytes: u64,
    /// The incumbent against a second incumbent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub noise: Vec<Difference>,
    /// The incumbent against the candidate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
}

/// The outcomes of one request at each program.
#[derive(Clone, Copy, Debug)]
pub struct Outcomes<'a> {
    /// The incumbent's.
    pub incumbent: &'a Outcome,
    /// A second incumbent's, if one was asked.
    pub second: Option<&'a Outcome>,
    /// The candidate's.
    pub candidate: &'a Outcome,
}

impl Row {
    /// Compares the outcomes of one request.
    ///
    /// The pair is lost when the incumbent did not answer (there is nothing to compare with) or when
    /// something was cut off or could not be read, and the rest shows no difference. A candidate that
    /// does not answer where the incumbent does is a difference.
    ///
    /// `history` is what the earlier requests showed; this one is added to it.
    pub fn compare(
        differ: &Differ<'_>,
        history: &mut History,
        request: u32,
        (operation, name): (u32, &str),
        outcomes: Outcomes<'_>,
    ) -> Row {
        let row = Row {
            request,
            operation,
            ..Row::default()
        };
        let Outcomes {
            incumbent,
            second,
            candidate,
        } = outcomes;
        let answer = match incumbent {
            Outcome::Answered(answer) => answer,
            Outcome::Failed(failure) => {
                return Row {
                    lost: Some(format!("incumbent: {}", failure.kind)),
                    ..row
                };
            }
        };
        let answered = second.filter(|second| matches!(second, Outcome::Answered(_)));
        let noise = answered.map_or_else(Vec::new, |second| {
            let past = Past::Goes(&mut history.itself, None);
            differ
                .differences_after(past, name, incumbent, second)
                .differences
        });
        let past = Past::Goes(&mut history.candidate, Some(&history.itself));
        let Compared {
            differences,
            bytes,
            unread,
        } = differ.differences_after(past, name, incumbent, candidate);
        let (lost, unread) = match differences.is_empty() {
            true => (unread, None),
            false => (None, unread),
        };
        Row {
            lost,
            unread,
            code: Some(answer.status.code),
            class: Some(answer.status.class),
            bytes,
            noise,
            differences,
            ..row
        }
    }

    /// Parts of one of the answers were incomplete: nothing is said of them, and the pair is lost unless it differs
    /// elsewhere.
    pub fn disregard(&mut self, parts: &[String], why: &str) {
        let parts: Vec<Place> = parts.iter().map(|part| Place::from(part.clone())).collect();
        let is_of_them = |difference: &Difference| {
            let part = difference.pattern.part();
            part.is_some() && parts.iter().any(|of| of.part() == part)
        };
        self.noise.retain(|difference| !is_of_them(difference));
        self.differences
            .retain(|difference| !is_of_them(difference));
        let why = self.unread.take().unwrap_or_else(|| why.to_owned());
        match self.differences.is_empty() {
            true => self.lost = self.lost.take().or(Some(why)),
            false => self.unread = Some(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rules;
    use understudy_model::{Answer, Failure, FailureKind, Place};

    fn answered(body: &str, truncated: bool) -> Outcome {
        Outcome::Answered(crate::http::answer(200, Vec::new(), body.into(), truncated))
    }

    fn row(incumbent: &Outcome, second: Option<&Outcome>, candidate: &Outcome) -> Row {
        let (rules, redact) = (Rules::default(), |_: Option<&Place>, text: &str| {
            text.to_owned()
        });
        let outcomes = Outcomes {
            incumbent,
            second,
            candidate,
        };
        let differ = Differ::new(&rules, &redact);
        Row::compare(&differ, &mut History::default(), 7, (1, "GET /"), outcomes)
    }

    #[test]
    fn noise_and_differences_are_kept_apart() {
        let one = |n: u8| answered(&format!("{{\"a\":{n}}}"), false);
        let (of_second, of_candidate) = (one(2), answered("{\"a\":null}", false));
        let row = row(&one(1), Some(&of_second), &of_candidate);
        assert_eq!((row.request, row.operation, row.lost), (7, 1, None));
        assert_eq!((row.noise.len(), row.noise[0].contender.as_str()), (1, "2"));
        assert_eq!(
            (row.differences.len(), row.differences[0].contender.as_str()),
            (1, "null")
        );
    }

    #[test]
    fn a_pair_is_lost_when_there_is_nothing_to_compare_with() {
        let failed = Outcome::Failed(Failure {
            kind: FailureKind::Timeout,
            detail: "x".into(),
        });
        let ok = answered("a", false);
        assert_eq!(
            row(&failed, Some(&ok), &ok).lost.as_deref(),
            Some("incumbent: timeout")
        );
        assert_eq!(
            row(&ok, Some(&failed), &ok),
            Row {
                request: 7,
                operation: 1,
                code: Some(200),
                class: Some(Class::Ok),
                bytes: 1,
                ..Row::default()
            }
        );
        let missed = row(&ok, None, &failed);
        assert_eq!(
            (missed.lost, missed.differences[0].path.to_string().as_str()),
            (None, "outcome")
        );
    }

    #[test]
    fn what_turned_out_to_be_incomplete_is_no_difference_and_not_the_same() {
        let answer = |body: &str, calls: &str| {
            let mut answer = crate::http::answer(200, Vec::new(), body.into(), false);
            answer.parts.push(understudy_model::Part {
                name: "calls:mail".to_owned(),
                media: "application/json".to_owned(),
                bytes: calls.into(),
                truncated: false,
                digest: String::new(),
            });
            Outcome::Answered(answer)
        };
        let disregarded = |body: &str, calls: &str, parts: &str| {
            let second = answer("a", "[]");
            let mut row = row(&answer("a", "[1]"), Some(&second), &answer(body, calls));
            row.disregard(&[parts.to_owned()], "late");
            let places = |of: &[Difference]| of.iter().map(|d| d.pattern.to_string()).collect();
            let [noise, differences]: [Vec<String>; 2] =
                [places(&row.noise), places(&row.differences)];
            (row.lost, row.unread, noise, differences)
        };
        let late = || Some("late".to_owned());
        for calls in ["[1]", "[]"] {
            let alike = disregarded("a", calls, "calls:mail");
            assert_eq!(alike, (late(), None, vec![], vec![]), "{calls}");
        }
        let different = disregarded("b", "[]", "calls:mail");
        assert_eq!((different.0, different.1), (None, late()));
        assert_eq!(different.3.len(), 1, "{:?}", different.3);
        // Another outside service says what it says.
        let (lost, _, noise, differences) = disregarded("a", "[]", "calls:prices");
        assert_eq!((lost, noise.len(), differences.len()), (None, 1, 1));
    }

    #[test]
    fn a_truncated_pair_is_lost_unless_it_differs_anyway() {
        let (long, other) = (answered("a", true), answered("b", false));
        assert!(row(&long, None, &long).lost.is_some());
        assert!(row(&other, None, &long).lost.is_some());
        let Outcome::Answered(answer) = &long else {
            unreachable!()
        };
        let refused = Outcome::Answered(Answer {
            status: crate::http::answer(500, Vec::new(), Vec::new(), false).status,
            ..answer.clone()
        });
        let row = row(&long, None, &refused);
        assert_eq!((row.lost, row.differences.len()), (None, 1));
    }
}
