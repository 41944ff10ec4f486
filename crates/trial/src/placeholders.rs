//! Words in braces that the command and the environment of a side may have.

use understudy_judge::terms::LimitsConfig;

/// Share of a memory limit that `{heap_mib}` is: code, stacks, buffers and the runtime itself need the
/// rest.
const HEAP_SHARE: f64 = 0.75;
const MIB: u64 = 1 << 20;

/// Replaces `{port}`, `{cpus}`, and of a memory limit `{memory}` (bytes), `{memory_mib}` and `{heap_mib}`.
pub(crate) fn fill(text: &str, port: u16, limits: LimitsConfig) -> String {
    with_limits(&text.replace("{port}", &port.to_string()), limits)
}

/// Replaces `{cpus}`, and of a memory limit `{memory}` (bytes), `{memory_mib}` and `{heap_mib}`.
pub(crate) fn with_limits(text: &str, limits: LimitsConfig) -> String {
    let mut filled = text.to_owned();
    if let Some(memory) = limits.memory {
        let (bytes, heap) = (memory.bytes(), memory.bytes() as f64 * HEAP_SHARE);
        filled = filled
            .replace("{memory}", &bytes.to_string())
            .replace("{memory_mib}", &(bytes / MIB).max(1).to_string())
            .replace("{heap_mib}", &(heap as u64 / MIB).max(1).to_string());
    }
    if let Some(cpus) = limits.cpus {
        filled = filled.replace("{cpus}", &cpus.to_string());
    }
    filled
}
