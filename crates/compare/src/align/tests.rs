use super::*;
use proptest::prelude::*;

fn items(text: &str) -> Vec<Json> {
    match Json::parse(text.as_bytes()).unwrap().value() {
        Value::Array(items) => items.clone(),
        other => panic!("{other:?} is no array"),
    }
}

type Parts = (Vec<(usize, usize)>, Vec<usize>, Vec<usize>, bool);

fn aligned(a: &str, b: &str) -> Parts {
    let Alignment {
        changed,
        missing,
        extra,
        reordered,
    } = align(&items(a), &items(b));
    (changed, missing, extra, reordered)
}

#[test]
fn one_change_is_one_difference() {
    let none = Vec::new;
    for (a, b, expected) in [
        ("[1,2,3]", "[1,2,3]", (vec![], vec![], none(), false)),
        ("[1,2,3,4]", "[1,3,4]", (vec![], vec![1], none(), false)),
        ("[1,3,4]", "[1,2,3,4]", (vec![], vec![], vec![1], false)),
        ("[1,2,3]", "[1,9,3]", (vec![(1, 1)], vec![], none(), false)),
        ("[1,2,3]", "[3,1,2]", (vec![], vec![], none(), true)),
        ("[1,1,2]", "[1,2,1]", (vec![], vec![], none(), true)),
        ("[1,1,2]", "[1,2]", (vec![], vec![1], none(), false)),
        (
            "[0.5,1.5]",
            "[1.5,2.5]",
            (vec![(0, 0), (1, 1)], vec![], none(), false),
        ),
        // A removed and a changed element.
        (
            "[1,2,3,4,5]",
            "[1,3,4,9]",
            (vec![(4, 3)], vec![1], none(), false),
        ),
        // A moved and a changed element.
        (
            "[1,2,3,4,5,6]",
            "[2,3,4,1,5,9]",
            (vec![(5, 5)], vec![], none(), true),
        ),
        // Duplicates: the longest common subsequence, not the first that comes.
        (
            "[1,7,1,8,5,1]",
            "[7,1,8,6,1]",
            (vec![(4, 3)], vec![0], none(), false),
        ),
    ] {
        assert_eq!(aligned(a, b), expected, "{a} {b}");
    }
}

#[test]
fn objects_are_found_again_by_their_identity() {
    let a = r#"[{"id":1,"t":10},{"id":2,"t":20},{"id":3,"t":30}]"#;
    // Every element differs (a timestamp), one is gone.
    let b = r#"[{"id":1,"t":11},{"id":3,"t":31}]"#;
    assert_eq!(
        aligned(a, b),
        (vec![(0, 0), (2, 1)], vec![1], vec![], false)
    );
    // ... or they come in another order.
    let b = r#"[{"id":3,"t":31},{"id":1,"t":11},{"id":2,"t":21}]"#;
    assert_eq!(
        aligned(a, b),
        (vec![(0, 1), (1, 2), (2, 0)], vec![], vec![], true)
    );
    // The identity itself changed.
    let b = r#"[{"id":1,"t":10},{"id":9,"t":20},{"id":3,"t":30}]"#;
    assert_eq!(aligned(a, b), (vec![(1, 1)], vec![], vec![], false));
    // One was replaced by another: beside a change that keeps identities in use.
    let a = r#"[{"id":1,"t":10,"u":1},{"id":2,"t":20,"u":2}]"#;
    let b = r#"[{"id":1,"t":11,"u":1},{"id":9,"t":90,"u":9}]"#;
    assert_eq!(aligned(a, b), (vec![(0, 0)], vec![1], vec![1], false));
}

#[test]
fn without_identity_objects_are_found_again_by_likeness() {
    let a = r#"[{"n":"a","c":1,"t":10},{"n":"b","c":2,"t":20},{"n":"c","c":3,"t":30}]"#;
    let b = r#"[{"n":"a","c":1,"t":11},{"n":"c","c":3,"t":31}]"#;
    assert_eq!(
        aligned(a, b),
        (vec![(0, 0), (2, 1)], vec![1], vec![], false)
    );
}

#[test]
fn large_arrays_take_near_linear_time() {
    let array = |numbers: &mut dyn Iterator<Item = u64>| {
        let items: Vec<String> = numbers
            .map(|n| format!("{{\"v\":{n},\"w\":[{n}]}}"))
            .collect();
        format!("[{}]", items.join(","))
    };
    let count = 100_000;
    let ascending = array(&mut (0..count));
    let shuffled = array(&mut (0..count).map(|n| n * 7919 % 100_003));
    let others = array(&mut (count..2 * count));
    let same = format!("[{}]", vec!["0"; 20_000].join(","));
    let same_and_one = format!("[1,{},2]", vec!["0"; 20_000].join(","));
    let start = std::time::Instant::now();
    align(&items(&ascending), &items(&shuffled));
    align(&items(&ascending), &items(&others));
    assert_eq!(aligned(&same, &same_and_one).2, [0, 20_001]);
    // Quadratic work would take minutes.
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

fn numbers() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(0u8..6, 0..12)
}

fn parsed(numbers: &[u8]) -> Vec<Json> {
    items(&serde_json::to_string(numbers).unwrap())
}

/// The length of the longest common subsequence, by the textbook's table.
fn longest(a: &[u8], b: &[u8]) -> usize {
    let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            table[i][j] = if a[i] == b[j] {
                table[i + 1][j + 1] + 1
            } else {
                table[i + 1][j].max(table[i][j + 1])
            };
        }
    }
    table[0][0]
}

proptest! {
    #[test]
    fn anchors_are_a_longest_common_subsequence(a in numbers(), b in numbers()) {
        let (json_a, json_b) = (parsed(&a), parsed(&b));
        let mut aligner = Aligner::new(&json_a, &json_b);
        aligner.anchor();
        prop_assert_eq!(aligner.anchors.len(), longest(&a, &b));
        prop_assert!(aligner.anchors.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 < two[1].1));
        prop_assert!(aligner.anchors.iter().all(|&(i, j)| a[i] == b[j]));
    }

    #[test]
    fn alignments_mirror_each_other(a in numbers(), b in numbers()) {
        let (a, b) = (parsed(&a), parsed(&b));
        let (there, back) = (align(&a, &b), align(&b, &a));
        let mut turned: Vec<_> = back.changed.iter().map(|&(j, i)| (i, j)).collect();
        turned.sort_unstable();
        prop_assert_eq!(there.changed, turned);
        prop_assert_eq!(there.missing, back.extra);
        prop_assert_eq!(there.extra, back.missing);
        prop_assert_eq!(there.reordered, back.reordered);
    }

    #[test]
    fn a_permutation_is_one_change_of_order(a in numbers().prop_flat_map(|a| (Just(a.clone()), Just(a).prop_shuffle()))) {
        let (a, b) = a;
        let found = align(&parsed(&a), &parsed(&b));
        prop_assert_eq!(found, Alignment { reordered: a != b, ..Alignment::default() });
    }
}
