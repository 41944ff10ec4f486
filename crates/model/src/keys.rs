//! A key that is not known, and the one that was probably meant.

/// Edits that still make one word a misspelling of another.
const MISSPELLED: usize = 3;
/// Most characters of a word that are compared and shown.
const LONGEST: usize = 40;

/// The word that was probably meant.
pub fn meant<'w>(word: &str, known: &[&'w str]) -> Option<&'w str> {
    let word: String = word.chars().take(LONGEST).collect();
    known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&word, known), *known))
        .min()
        .filter(|(distance, known)| *distance <= MISSPELLED && *distance < known.len())
        .map(|(_, known)| known)
}

/// What is wrong with a line of JSON that has this key: cause and hint.
pub fn unknown_key(key: &str, known: &[&str]) -> String {
    let shown: String = key.chars().take(LONGEST).collect();
    match meant(&shown, known) {
        Some(known) => format!("has the unknown key {shown:?}\nhint: did you mean {known:?}?"),
        None => format!(
            "has the unknown key {shown:?}\nhint: known keys are {}",
            known.join(", ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelled_key_is_reported_with_the_one_that_was_meant() {
        let of = |key| unknown_key(key, &["method", "path", "to"]);
        assert!(of("pth").ends_with("did you mean \"path\"?"));
        assert!(of("frobnicate").ends_with("known keys are method, path, to"));
        // Two edits make anything of a word of two letters.
        assert_eq!(meant("ab", &["to"]), None);
    }
}
