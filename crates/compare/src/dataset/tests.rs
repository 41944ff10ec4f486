//! Sums and differences of small tables, held to what a sorted list of their rows says.

use super::*;
use proptest::prelude::*;

/// A cell that owns its text.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
enum Value {
    Null,
    Int(i64),
    Text(String),
}

impl Value {
    fn cell(&self) -> Cell<'_> {
        match self {
            Value::Null => Cell::Null,
            Value::Int(value) => Cell::Int(*value),
            Value::Text(text) => Cell::Text(text.as_bytes()),
        }
    }
}

type Row = [Value; 3];

fn column(name: &str, logical: Logical) -> Column {
    Column {
        name: name.to_owned(),
        logical,
        nullable: true,
        shape: String::new(),
        repeated: false,
    }
}

fn plan(key: &[&str]) -> Plan {
    // Of any type, so that each cell is compared as what it is.
    let any = Logical::Json(JsonKinds {
        numbers: true,
        texts: true,
        ..JsonKinds::default()
    });
    let columns = ["id", "n", "text"].map(|name| column(name, any.clone()));
    let chosen = ChosenColumns {
        key: key.iter().map(|name| (*name).to_owned()).collect(),
        ..ChosenColumns::default()
    };
    Plan::new(&columns, &columns, &chosen).unwrap()
}

fn hashes(plan: &Plan, rows: &[Row], tally: &mut Tally) -> RowHashes {
    let mut hashes = RowHashes::default();
    hashes.begin(rows.len(), plan.has_key());
    for (at, column) in plan.columns.iter().enumerate() {
        let cells = rows.iter().map(|row| row[at].cell());
        hashes.add(column, cells, None, &mut tally.columns[at]);
    }
    hashes
}

fn tally(plan: &Plan, rows: &[Row]) -> Tally {
    let mut tally = Tally::new(plan.columns.len());
    hashes(plan, rows, &mut tally).finish(None, &mut tally);
    tally
}

fn leftovers(plan: &Plan, sides: [&[Row]; 2]) -> Leftovers {
    let mut leftovers = Leftovers::default();
    for (side, rows) in sides.into_iter().enumerate() {
        let hashes = hashes(plan, rows, &mut Tally::new(plan.columns.len()));
        for (at, key, row) in hashes.rows(None) {
            leftovers.add(side, key, row, || {
                rows[at].iter().map(Value::cell).collect()
            });
        }
    }
    leftovers
}

fn explanation(plan: &Plan, a: &[Row], b: &[Row]) -> Explanation {
    explain(leftovers(plan, [a, b]), plan, &|_, text| text.to_owned()).finish()
}

fn row(id: i64, n: Value, text: &str) -> Row {
    [Value::Int(id), n, Value::Text(text.to_owned())]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        (0..3_i64).prop_map(Value::Int),
        prop_oneof![Just(""), Just("0"), Just("x")].prop_map(|text| Value::Text(text.to_owned())),
    ]
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    proptest::collection::vec([value(), value(), value()], 0..12)
}

/// In an order of its own: the oracle of a multiset.
fn sorted(rows: &[Row]) -> Vec<Row> {
    let mut rows = rows.to_vec();
    rows.sort_by(|a, b| a.partial_cmp(b).unwrap());
    rows
}

/// The rows that one side has more often, counted without a hash.
fn more(a: &[Row], b: &[Row]) -> usize {
    let mut rest = b.to_vec();
    let is_more = |row: &&Row| match rest.iter().position(|other| other == *row) {
        Some(at) => {
            rest.swap_remove(at);
            false
        }
        None => true,
    };
    a.iter().filter(is_more).count()
}

proptest! {
    #[test]
    fn sums_are_equal_exactly_for_the_same_rows(a in rows(), b in rows(), key in any::<bool>()) {
        let plan = plan(if key { &["id"] } else { &[] });
        let same = sorted(&a) == sorted(&b);
        let (x, y) = (tally(&plan, &a), tally(&plan, &b));
        prop_assert_eq!(x.is_same(&y), same);
        prop_assert_eq!(x.different(&y).is_empty(), same);
    }

    #[test]
    fn the_order_of_rows_and_how_they_are_read_mean_nothing(
        rows in rows(), turn in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>()
    ) {
        let plan = plan(&[]);
        let mut moved = rows.clone();
        if !moved.is_empty() {
            let by = turn.index(moved.len());
            moved.rotate_left(by);
            moved.reverse();
        }
        prop_assert_eq!(tally(&plan, &rows), tally(&plan, &moved));
        let (first, second) = rows.split_at(if rows.is_empty() { 0 } else { cut.index(rows.len()) });
        let mut parts = tally(&plan, second);
        parts.merge(&tally(&plan, first));
        prop_assert_eq!(parts, tally(&plan, &rows));
    }

    #[test]
    fn every_row_that_differs_is_accounted_for(a in rows(), b in rows(), key in any::<bool>()) {
        let plan = plan(if key { &["id"] } else { &[] });
        let counts = explanation(&plan, &a, &b).counts;
        let of_a = counts.changed + counts.only_a + counts.more_in_a;
        let of_b = counts.changed + counts.only_b + counts.more_in_b;
        prop_assert_eq!(of_a, more(&a, &b) as u64);
        prop_assert_eq!(of_b, more(&b, &a) as u64);
    }
}

#[test]
fn a_value_that_moves_to_another_row_is_a_difference() {
    // The sums of each column are the same; those of the rows are not.
    let plan = plan(&["id"]);
    let a = [row(1, Value::Int(10), "x"), row(2, Value::Int(20), "x")];
    let b = [row(1, Value::Int(20), "x"), row(2, Value::Int(10), "x")];
    let (x, y) = (tally(&plan, &a), tally(&plan, &b));
    assert_eq!(x.columns, y.columns);
    assert!(!x.is_same(&y));
    assert_eq!(explanation(&plan, &a, &b).counts.changed, 2);
}

#[test]
fn a_pair_of_rows_is_not_cancelled_by_another_pair() {
    // Exclusive or of hashes would be 0 for both.
    let plan = plan(&[]);
    let twice = |text: &str| [row(1, Value::Null, text), row(1, Value::Null, text)];
    assert!(!tally(&plan, &twice("x")).is_same(&tally(&plan, &twice("y"))));
}

#[test]
fn differences_have_a_column_a_key_and_both_values() {
    let plan = plan(&["id"]);
    let a = [
        row(1, Value::Null, "x"),
        row(2, Value::Int(5), "Same"),
        row(3, Value::Int(7), "x"),
    ];
    let mut b = a.clone();
    b[0][1] = Value::Int(0);
    b[1][2] = Value::Text("same ".to_owned());
    let found = explanation(&plan, &a, &b);
    assert_eq!(found.counts.changed, 2);
    let kinds: Vec<(&str, CellKind)> = found
        .clusters
        .iter()
        .map(|one| (one.column.as_str(), one.kind))
        .collect();
    assert_eq!(
        kinds,
        [("n", CellKind::NullToValue), ("text", CellKind::TextForm)]
    );
    let example = &found.clusters[1].examples[0];
    assert_eq!(example.row[0].value, "2");
    assert_eq!(
        (example.a.as_str(), example.b.as_str()),
        ("\"Same\"", "\"same \"")
    );
}

#[test]
fn rows_under_one_key_are_paired_by_what_they_say() {
    let plan = plan(&["id"]);
    let a = [row(1, Value::Int(1), "a"), row(1, Value::Int(2), "b")];
    let b = [row(1, Value::Int(2), "changed"), row(1, Value::Int(1), "a")];
    let found = explanation(&plan, &a, &b);
    assert_eq!((found.counts.changed, found.counts.ambiguous_keys), (1, 0));
    assert_eq!(found.clusters[0].column, "text");
    let more = explanation(&plan, &a, &[a[0].clone()]);
    assert_eq!((more.counts.only_a, more.counts.changed), (1, 0));
}

#[test]
fn values_are_shown_as_they_may_be() {
    let plan = plan(&["id"]);
    let a = [row(1, Value::Null, "secret")];
    let b = [row(1, Value::Null, "other")];
    let hidden = |column: &str, text: &str| match column {
        "text" => format!("<redacted {} bytes>", text.len()),
        _ => text.to_owned(),
    };
    let found = explain(leftovers(&plan, [&a, &b]), &plan, &hidden).finish();
    assert_eq!(found.clusters[0].examples[0].a, "<redacted 6 bytes>");
}

#[test]
fn wrong_choices_are_reported_at_once() {
    let columns = [column("id", Logical::Text), column("blob", Logical::Bytes)];
    let untyped = [
        column("id", Logical::Text),
        column("blob", Logical::Untyped),
    ];
    let cent = Tolerance::default().absolute("0.01").unwrap();
    let chosen = ChosenColumns {
        only: vec!["x".to_owned()],
        key: vec!["blob".to_owned(), "y".to_owned()],
        tolerances: vec![("z".to_owned(), cent.clone())],
        ..ChosenColumns::default()
    };
    let errors = Plan::new(&columns, &untyped, &chosen).unwrap_err();
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(errors.len(), 4, "{errors:#?}");
    let chosen = ChosenColumns {
        key: vec!["id".to_owned()],
        tolerances: vec![("blob".to_owned(), cent)],
        ..ChosenColumns::default()
    };
    let errors = Plan::new(&columns, &columns, &chosen).unwrap_err();
    assert_eq!(
        errors[0].to_string(),
        "--tolerance, --relative: column `blob` does not hold numbers"
    );
    let plan = Plan::new(&columns, &untyped, &ChosenColumns::default()).unwrap();
    assert_eq!(plan.not_compared[0].column, "blob");
}
