//! What a reader has to know before any figure: a trial that compares little, or nothing.

use understudy_model::verdict::{Cluster, VerdictDocument};
use understudy_model::{DifferenceKind, Pacing};

/// The cautions, in the order of their weight.
pub(crate) fn of(document: &VerdictDocument) -> Vec<String> {
    let mut all = Vec::new();
    if document.environment.one_program {
        all.push(
            "incumbent and candidate are one and the same program with the same arguments"
                .to_owned(),
        );
    }
    if document.method.requests == 1 {
        let one = match document.method.pacing {
            Pacing::Offered => "the workload is one request: nothing is known of any other",
            Pacing::Serial => "there is one case: nothing is known of any other",
        };
        all.push(one.to_owned());
    }
    if is_redirected(document) {
        all.push(
            "every answer is a redirect: do the requests lack what they need, such as a login?"
                .to_owned(),
        );
    }
    if let Some(code) = always_fails(document) {
        all.push(format!(
            "the candidate answers {code} to everything: is it configured as the incumbent is?"
        ));
    }
    all
}

/// Are all compared answers redirects?
fn is_redirected(document: &VerdictDocument) -> bool {
    let Some(comparison) = document.comparisons.first() else {
        return false;
    };
    let mut statuses = comparison.equivalence.statuses.keys().peekable();
    statuses.peek().is_some() && statuses.all(|code| (300..400).contains(code) && *code != 304)
}

/// The error that the candidate gives to every request, where the incumbent does not.
fn always_fails(document: &VerdictDocument) -> Option<&str> {
    let equivalence = &document.comparisons.first()?.equivalence;
    let codes = |cluster: &&Cluster| cluster.kind == DifferenceKind::Code;
    let of: u64 = equivalence
        .clusters
        .iter()
        .filter(codes)
        .map(|cluster| cluster.count)
        .sum();
    let mut shown = equivalence
        .clusters
        .iter()
        .filter(codes)
        .filter_map(|cluster| Some(cluster.examples.first()?.contender.as_str()));
    let code = shown.next()?;
    let is_error = code.parse::<i32>().is_ok_and(|code| code >= 400);
    let is_always = of == equivalence.compared && shown.all(|other| other == code);
    (is_error && is_always).then_some(code)
}
