//! Which part of a file is in the page cache.

use std::fs::File;
use std::io;

/// How many pages of a file are in the page cache, and how many it has. The file is not read.
///
/// Linux shows this for files that the caller owns or may write to; of others it says that all of it is there.
///
/// # Errors
/// The kernel's word.
#[cfg(target_os = "linux")]
pub fn resident_pages(file: &File) -> io::Result<(u64, u64)> {
    use std::os::fd::AsRawFd;
    /// Pages that are asked about at a time.
    const WINDOW: usize = 1 << 18;

    let length = file.metadata()?.len();
    let page = rustix::param::page_size();
    let pages = length.div_ceil(page as u64);
    let mut resident = 0;
    let mut flags = vec![0u8; WINDOW.min(pages as usize)];
    for first in (0..pages).step_by(WINDOW) {
        let count = WINDOW.min((pages - first) as usize);
        let offset = first * page as u64;
        #[expect(unsafe_code, reason = "neither std nor rustix offers mincore")]
        // SAFETY: a fresh mapping that is not readable and is never accessed, so a file that shrinks
        // meanwhile does no harm; `flags` has a byte for each page that is asked about.
        let asked = unsafe {
            let start = libc::mmap(
                std::ptr::null_mut(),
                count * page,
                libc::PROT_NONE,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                offset as libc::off_t,
            );
            if start == libc::MAP_FAILED {
                return Err(io::Error::last_os_error());
            }
            let asked = match libc::mincore(start, count * page, flags.as_mut_ptr()) {
                0 => Ok(()),
                _ => Err(io::Error::last_os_error()),
            };
            libc::munmap(start, count * page);
            asked
        };
        asked?;
        resident += flags[..count].iter().filter(|flag| **flag & 1 == 1).count() as u64;
    }
    Ok((resident, pages))
}

/// How many pages of a file are in the page cache: not known on this system.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn resident_pages(_file: &File) -> io::Result<(u64, u64)> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn what_was_written_is_in_the_cache_and_the_rest_of_a_file_is_not() {
        let path =
            std::env::temp_dir().join(format!("understudy-residency-{}", std::process::id()));
        let mut file = File::options()
            .create(true)
            .truncate(true)
            .read(true)
            .write(true)
            .open(&path)
            .unwrap();
        assert_eq!(resident_pages(&file).unwrap(), (0, 0));
        let page = rustix::param::page_size();
        file.write_all(&vec![1; 3 * page]).unwrap();
        file.set_len(10 * page as u64 + 1).unwrap();
        let found = resident_pages(&file).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(found, (3, 11));
    }
}
