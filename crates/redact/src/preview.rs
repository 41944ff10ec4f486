//! Bounded previews of payloads.

/// At most `max` bytes of a payload for people: never cuts a character, marks what was left out
/// (`… (+120 bytes)`), and shows bytes that are not text as `<binary 512 bytes 89504e47…>`.
///
/// The payload must be redacted before: a cut secret is no longer recognised as one.
pub fn preview(bytes: &[u8], max: usize) -> String {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return binary(bytes, max);
    };
    if text.contains('\0') {
        return binary(bytes, max);
    }
    if text.len() <= max {
        return text.to_owned();
    }
    let end = (0..=max)
        .rev()
        .find(|&end| text.is_char_boundary(end))
        .unwrap_or(0);
    format!("{}… (+{} bytes)", &text[..end], text.len() - end)
}

fn binary(bytes: &[u8], max: usize) -> String {
    let shown = bytes.len().min(max / 2).min(8);
    let hex: String = bytes[..shown]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let cut = if shown < bytes.len() { "…" } else { "" };
    format!("<binary {} bytes {hex}{cut}>", bytes.len())
}
