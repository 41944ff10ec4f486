//! The placeholder that stands for a secret, recognised again.

/// How a placeholder begins.
pub(crate) const BEGIN: &str = "<redacted ";

/// Does a text hold a placeholder?
pub fn is_redacted(text: &str) -> bool {
    text.contains(BEGIN)
}

/// Can `redacted` have been made of `original`: the same text around secrets of the same length? What
/// the secrets were cannot be known, since the key of the marks is forgotten.
pub fn is_redaction_of(redacted: &str, original: &str) -> bool {
    let (mut redacted, mut original) = (redacted.as_bytes(), original.as_bytes());
    while !redacted.is_empty() {
        if let Some((secret, mark)) = placeholder(redacted)
            && original.len() >= secret
        {
            redacted = &redacted[mark..];
            original = &original[secret..];
            continue;
        }
        match (redacted.split_first(), original.split_first()) {
            (Some((one, rest)), Some((other, further))) if one == other => {
                (redacted, original) = (rest, further);
            }
            _ => return false,
        }
    }
    original.is_empty()
}

/// Do two redacted texts say the same around secrets of the same length? Whether the secrets are the same cannot be
/// known: the marks of each run have a key of their own.
pub fn is_same_around_secrets(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one.as_bytes(), other.as_bytes());
    loop {
        if let (Some((a, mark)), Some((b, further))) = (placeholder(one), placeholder(other)) {
            if a != b {
                return false;
            }
            (one, other) = (&one[mark..], &other[further..]);
            continue;
        }
        match (one.split_first(), other.split_first()) {
            (Some((a, rest)), Some((b, further))) if a == b => (one, other) = (rest, further),
            (None, None) => return true,
            _ => return false,
        }
    }
}

/// The length of the secret and of the placeholder, `<redacted 24 bytes #9f2c41d0>`, at the begin.
fn placeholder(text: &[u8]) -> Option<(usize, usize)> {
    let rest = text.strip_prefix(BEGIN.as_bytes())?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let secret = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
    let rest = rest[digits..].strip_prefix(b" bytes #")?;
    let mark = rest.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    let rest = rest[mark..].strip_prefix(b">")?;
    Some((secret, text.len() - rest.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Redactor;

    #[test]
    fn what_was_redacted_is_recognised_and_nothing_else() {
        let original = "./serve --token ghp_16C7e42F292c6912E7710c838347Ae178B4a --port {port}";
        let redacted = Redactor::new([7; 16]).redact_text(original);
        assert!(is_redacted(&redacted), "{redacted}");
        assert!(is_redaction_of(&redacted, original));
        let other = original.replace("16C7e42F292c6912", "2196c292F24e7C61");
        assert!(is_redaction_of(&redacted, &other), "a renewed secret");
        for wrong in [
            original.replace("./serve", "./other"),
            original.replace("{port}", "{port} --debug"),
            original.replace("ghp_", ""),
            String::new(),
        ] {
            assert!(!is_redaction_of(&redacted, &wrong), "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_text_is_a_redaction_of_itself(text in "\\PC{0,60}", key: [u8; 16]) {
            proptest::prop_assert!(is_redaction_of(&text, &text));
            let redacted = Redactor::new(key).redact_text(&text);
            proptest::prop_assert!(is_redaction_of(&redacted, &text), "{}", redacted);
        }

        #[test]
        fn no_text_makes_it_panic(redacted in "(<redacted [0-9]{0,22} bytes #|[a>]|\\PC){0,8}", original in "\\PC{0,20}") {
            let _ = is_redaction_of(&redacted, &original);
        }
    }

    #[test]
    fn texts_of_two_runs_are_compared_around_their_secrets() {
        let of = |key: u8, text: &str| Redactor::new([key; 16]).redact_text(text);
        let original = "./serve --token ghp_16C7e42F292c6912E7710c838347Ae178B4a --port {port}";
        let (one, other) = (of(7, original), of(8, original));
        assert_ne!(one, other, "each run has a key of its own");
        assert!(is_same_around_secrets(&one, &other));
        assert!(!is_same_around_secrets(
            &one,
            &of(8, &original.replace("{port}", "80"))
        ));
        assert!(!is_same_around_secrets(&one, original));
        assert!(!is_same_around_secrets(&one, &format!("{other} -v")));
        assert!(is_same_around_secrets("", "") && !is_same_around_secrets("", "a"));
    }
}
