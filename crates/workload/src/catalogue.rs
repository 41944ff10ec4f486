//! The cases of a workload by number: what the stages know of them.

use std::collections::{BTreeMap, HashMap};

/// The cases of a workload by number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalogue {
    /// Names of the operations, each once.
    pub operations: Vec<String>,
    /// Each case.
    pub cases: Vec<CaseFacts>,
}

/// What is known of a case without its kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CaseFacts {
    /// Index of its operation.
    pub operation: u32,
    /// What it asks for, for people and for what recognises identifiers in it: a path with its query, a command line.
    pub target: String,
    /// Its size, bytes: of two that show the same difference the smaller one is the better example.
    pub bytes: u64,
    /// How often it is chosen, relative to the others.
    pub weight: f64,
    /// Does asking it leave a trace in the side that a later case may meet?
    pub leaves_traces: bool,
    /// How much there is to do, in the unit of the workload, where that is known.
    pub size: Option<f64>,
}

impl Catalogue {
    /// A catalogue of cases with the name of the operation of each.
    pub fn new(cases: impl IntoIterator<Item = (String, CaseFacts)>) -> Catalogue {
        let mut catalogue = Catalogue::default();
        let mut indices = HashMap::new();
        for (name, facts) in cases {
            let operation = *indices.entry(name).or_insert_with_key(|name| {
                catalogue.operations.push(name.clone());
                catalogue.operations.len() as u32 - 1
            });
            catalogue.cases.push(CaseFacts { operation, ..facts });
        }
        catalogue
    }

    /// Operation index and name of a case; nothing for one that there is not.
    pub fn operation(&self, case: u32) -> (u32, &str) {
        let facts = self.cases.get(case as usize);
        let operation = facts.map_or(0, |facts| facts.operation);
        let name = self.operations.get(operation as usize);
        (operation, name.map_or("", String::as_str))
    }

    /// Operation index of each case.
    pub fn operation_of(&self) -> Vec<u32> {
        self.cases.iter().map(|facts| facts.operation).collect()
    }

    /// The cases of each size of the operations that have at least two sizes: a measurement holds one of each, so that
    /// it shows how the time grows with the size. Cases that are never chosen are left out.
    pub fn sizes(&self) -> Vec<Vec<u32>> {
        let mut by_operation: BTreeMap<u32, BTreeMap<u64, Vec<u32>>> = BTreeMap::new();
        for (number, case) in (0u32..).zip(&self.cases) {
            let Some(size) = case.size.filter(|_| case.weight > 0.0) else {
                continue;
            };
            let sizes = by_operation.entry(case.operation).or_default();
            // The bits of numbers above 0 are in the order of the numbers.
            sizes.entry(size.to_bits()).or_default().push(number);
        }
        by_operation.retain(|_, sizes| sizes.len() > 1);
        let sizes = by_operation.into_values();
        sizes.flat_map(BTreeMap::into_values).collect()
    }

    /// Can a comparison that was interrupted go on where it ended, with sides that start anew?
    pub fn is_repeatable(&self) -> bool {
        self.cases.iter().all(|facts| !facts.leaves_traces)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_has_one_index() {
        let case = |name: &str, leaves_traces| {
            let facts = CaseFacts {
                leaves_traces,
                ..CaseFacts::default()
            };
            (name.to_owned(), facts)
        };
        let mut catalogue = Catalogue::new([case("a", false), case("b", false), case("a", false)]);
        assert_eq!(catalogue.operations, ["a", "b"]);
        assert_eq!(catalogue.operation_of(), [0, 1, 0]);
        assert_eq!(catalogue.operation(1), (1, "b"));
        assert_eq!(Catalogue::default().operation(7), (0, ""));
        assert!(catalogue.is_repeatable());
        catalogue.cases[2].leaves_traces = true;
        assert!(!catalogue.is_repeatable());
    }

    #[test]
    fn cases_of_each_size_are_those_of_operations_with_several() {
        let case = |name: &str, size, weight| {
            let facts = CaseFacts {
                size,
                weight,
                ..CaseFacts::default()
            };
            (name.to_owned(), facts)
        };
        let catalogue = Catalogue::new([
            case("a", Some(100.0), 1.0),
            case("a", Some(9.0), 1.0),
            case("a", Some(100.0), 2.0),
            case("a", None, 1.0),
            case("a", Some(5.0), 0.0),
            case("b", Some(9.0), 1.0),
            case("b", None, 1.0),
        ]);
        assert_eq!(catalogue.sizes(), [vec![1], vec![0, 2]]);
        assert_eq!(Catalogue::default().sizes(), Vec::<Vec<u32>>::new());
    }
}
