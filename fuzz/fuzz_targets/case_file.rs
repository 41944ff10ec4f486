//! An arbitrary case file: reading it never panics, mistakes are reported with a line that exists, and every case
//! that is accepted can be started and stays in its working directory.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::{Component, Path};
use understudy_subject_command::{Case, Cases, command_line};

fn assert_stays(case: &Case) {
    for path in case.files.keys() {
        assert!(path.components().count() > 0);
        assert!(path.components().all(|part| matches!(part, Component::Normal(_))));
        let above = path.ancestors().skip(1);
        assert!(above.into_iter().all(|folder| !case.files.contains_key(folder)));
    }
    let words = command_line(&["tool".to_owned()], case).expect("no input file is named");
    let values = case.env.iter().flat_map(|(name, value)| [name, value]);
    assert!(words.iter().chain(values).all(|word| !word.contains('\0')));
    assert!(case.env.keys().all(|name| !name.is_empty() && !name.contains('=')));
    assert!((0.0..=1e9).contains(&case.weight));
    assert!(case.timeout.is_none_or(|time| !time.is_zero()));
}

fuzz_target!(|text: &str| {
    let is_file = |path: &Path| match path.ends_with("x") {
        true => Ok(()),
        false => Err("it does not exist".to_owned()),
    };
    match Cases::parse(text, Path::new("folder"), &is_file) {
        Ok(cases) => {
            assert!(cases.all.iter().map(|case| case.weight).sum::<f64>() > 0.0);
            cases.all.iter().for_each(assert_stays);
        }
        Err(mistakes) => {
            let lines = text.lines().count();
            assert!((1..=100).contains(&mistakes.errors.len()));
            assert!(mistakes.more == 0 || mistakes.errors.len() == 100);
            assert!(mistakes.errors.iter().all(|(line, _)| *line <= lines));
        }
    }
});
