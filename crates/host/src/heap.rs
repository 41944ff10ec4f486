//! The heap of this process.

/// Keeps memory that is freed for what is allocated next. Without it glibc gives large blocks back to the kernel, which
/// clears every page of the next one: reading Parquet, which allocates a block for each page of a file, spends a tenth
/// of its time on that. The process never holds more than it held at once. Other allocators decide by themselves.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // The second is the highest that glibc takes, where a pointer has 64 bits.
        const KEPT: [(libc::c_int, libc::c_int); 2] = [
            (libc::M_TRIM_THRESHOLD, 1 << 30),
            (libc::M_MMAP_THRESHOLD, 32 << 20),
        ];
        for (what, bytes) in KEPT {
            #[expect(unsafe_code, reason = "neither std nor rustix offers mallopt")]
            // SAFETY: the call takes two numbers and changes nothing that is allocated. A refusal leaves the default.
            unsafe {
                libc::mallopt(what, bytes);
            }
        }
    }
}
