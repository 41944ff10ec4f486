use super::*;

fn same(a: Cell<'_>, b: Cell<'_>, target: Target) -> bool {
    let seed = Seed::of("x");
    let equal = is_equal(a, b, target);
    assert_eq!(
        equal,
        hash(a, target, seed) == hash(b, target, seed),
        "{a:?} {b:?}"
    );
    equal
}

#[test]
fn null_and_nan_and_the_empty_text_are_three_values() {
    let three = [Cell::Null, Cell::Float(f64::NAN), Cell::Text(b"")];
    let targets = [
        Target::Text,
        Target::Float,
        Target::Number,
        Target::Any,
        Target::Decimal(2),
    ];
    for target in targets {
        for (i, a) in three.iter().enumerate() {
            for (j, b) in three.iter().enumerate() {
                assert_eq!(same(*a, *b, target), i == j, "{a:?} {b:?} {target:?}");
            }
        }
    }
}

#[test]
fn values_are_compared_by_what_they_mean() {
    let other_nan = f64::from_bits(f64::NAN.to_bits() ^ 1);
    assert!(same(Cell::Float(-0.0), Cell::Float(0.0), Target::Float));
    assert!(same(
        Cell::Float(other_nan),
        Cell::Float(f64::NAN),
        Target::Float
    ));
    assert!(same(Cell::Int(7), Cell::UInt(7), Target::Int));
    assert!(!same(Cell::Int(-1), Cell::UInt(u64::MAX), Target::Int));
    let decimal = |unscaled, scale| Cell::Decimal { unscaled, scale };
    assert!(same(
        decimal(350, 2),
        decimal(35_000, 4),
        Target::Decimal(4)
    ));
    assert!(!same(
        decimal(350, 2),
        decimal(35_001, 4),
        Target::Decimal(4)
    ));
    assert!(same(decimal(10, 2), Cell::Float(0.1), Target::Number));
    assert!(same(Cell::Int(100), Cell::Float(1e2), Target::Number));
    let big = Cell::Int(9_007_199_254_740_993);
    assert!(!same(
        big,
        Cell::Float(9_007_199_254_740_992.0),
        Target::Number
    ));
    assert!(same(Cell::Number("1.0"), Cell::Number("1"), Target::Any));
    assert!(!same(Cell::Number("1"), Cell::Text(b"1"), Target::Any));
    let long = "1".repeat(60);
    assert!(!same(
        Cell::Number(&long),
        Cell::Number("1e59"),
        Target::Any
    ));
    assert!(same(
        Cell::Float(f64::INFINITY),
        Cell::Text(b"inf"),
        Target::Float
    ));
    assert!(!same(
        Cell::Float(f64::INFINITY),
        Cell::Float(f64::NEG_INFINITY),
        Target::Number
    ));
}

#[test]
fn text_is_read_as_the_type_of_the_other_side() {
    assert!(same(Cell::Text(b"007"), Cell::Int(7), Target::Int));
    assert!(!same(Cell::Text(b"7.5"), Cell::Int(7), Target::Int));
    assert!(!same(Cell::Text(b" 7"), Cell::Int(7), Target::Int));
    assert!(same(Cell::Text(b"True"), Cell::Bool(true), Target::Bool));
    assert!(same(Cell::Text(b"1970-01-02"), Cell::Date(1), Target::Date));
    let instant = Cell::Timestamp(1_000_000_000);
    assert!(same(
        Cell::Text(b"1970-01-01T01:00:01+01:00"),
        instant,
        Target::Timestamp
    ));
    assert!(same(
        Cell::Text(b"1.50"),
        Cell::Decimal {
            unscaled: 15,
            scale: 1
        },
        Target::Decimal(1)
    ));
    assert!(!same(Cell::Text(b"007"), Cell::Text(b"7"), Target::Text));
    assert!(!same(Cell::Text(b""), Cell::Int(0), Target::Int));
    assert!(same(
        Cell::Text(b"nan"),
        Cell::Float(f64::NAN),
        Target::Float
    ));
}

#[test]
fn what_is_stored_is_what_is_read_back() {
    let cells = [
        Cell::Null,
        Cell::Bool(true),
        Cell::Int(-5),
        Cell::UInt(u64::MAX),
        Cell::Float(1.5),
        Cell::Decimal {
            unscaled: -1234,
            scale: 2,
        },
        Cell::Number("1e400"),
        Cell::Text("Zürich".as_bytes()),
        Cell::Bytes(&[0, 255]),
        Cell::Date(-1),
        Cell::Time(5),
        Cell::Timestamp(-7),
        Cell::Nested(b"J[1]"),
    ];
    let mut row = Vec::new();
    cells.iter().for_each(|cell| cell.store(&mut row));
    assert_eq!(Cell::stored(&row), cells);
    let shown: Vec<String> = cells.iter().map(|cell| cell.shown()).collect();
    assert_eq!(shown[5], "-12.34");
    assert_eq!(shown[7], "\"Zürich\"");
    assert_eq!(shown[8], "0x00ff");
    assert_eq!(shown[12], "[1]");
}

#[test]
fn text_of_a_short_float_is_rounded_as_one() {
    let tenth = Cell::Float(f64::from(0.1_f32));
    assert!(same(tenth, Cell::Text(b"0.1"), Target::Single));
    assert!(!same(tenth, Cell::Text(b"0.1"), Target::Float));
    assert!(!same(
        Cell::Float(f64::INFINITY),
        Cell::Text(b"1e39"),
        Target::Single
    ));
    assert!(!same(
        Cell::Float(f64::INFINITY),
        Cell::Number("1e400"),
        Target::Float
    ));
    assert!(same(
        Cell::Float(f64::INFINITY),
        Cell::Text(b"Infinity"),
        Target::Single
    ));
    assert!(same(
        Cell::Float(f64::NAN),
        Cell::Text(b"NaN"),
        Target::Single
    ));
}

proptest::proptest! {
    #[test]
    fn any_text_is_itself_under_any_target(a in "\\PC{0,24}|[-+0-9.eE:T Z]{0,30}", b in "[-+0-9.eE]{0,9}") {
        let targets = [
            Target::Bool, Target::Int, Target::Float, Target::Single, Target::Decimal(3), Target::Number,
            Target::Text, Target::Bytes, Target::Date, Target::Time, Target::Timestamp, Target::Any,
        ];
        for target in targets {
            for (x, y) in [(Cell::Text(a.as_bytes()), Cell::Text(b.as_bytes())), (Cell::Number(&a), Cell::Number(&b))] {
                proptest::prop_assert!(same(x, x, target));
                proptest::prop_assert_eq!(same(x, y, target), same(y, x, target));
                let _ = x.shown();
            }
        }
        let _ = super::super::Predicate::parse(&a);
    }
}
