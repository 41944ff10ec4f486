//! SIGINT and SIGTERM become a flag that every long loop looks at.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Installs the handlers; the flag turns true with the first signal.
///
/// # Errors
/// The system refuses the handlers.
pub(crate) fn flag() -> std::io::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, flag.clone())?;
    }
    Ok(flag)
}
