#[cfg(test)]
mod tests;

use crate::{EvidenceError, files};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};
use understudy_model::Role;

/// Version of the layout that this version writes, and the newest that it reads.
const FORMAT: u32 = 2;
/// Longest name of a trial that is kept in the name of its directory, in bytes.
const LONGEST_NAME: usize = 100;
/// How long to wait for a lock that another process holds.
const LONGEST_WAIT_FOR_LOCK: Duration = Duration::from_secs(2);

/// The directory of one run.
#[derive(Clone, Debug)]
pub struct RunDirectory {
    path: PathBuf,
}

/// The folders that hold one Parquet file a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Folder {
    /// One row an exchange.
    Requests,
    /// CPU and memory of a side over time.
    Samples,
    /// What happened to a side meanwhile: pauses of its runtime and the like.
    Pauses,
}

impl Folder {
    /// Every folder.
    pub const ALL: [Folder; 3] = [Folder::Requests, Folder::Samples, Folder::Pauses];

    /// Its name in the run directory.
    pub fn name(self) -> &'static str {
        match self {
            Folder::Requests => "requests",
            Folder::Samples => "samples",
            Folder::Pauses => "pauses",
        }
    }
}

/// Which block of a run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockId {
    /// The stage: `equivalence`, `latency-4000`. Letters, digits, `.`, `_` and `-`.
    pub stage: String,
    /// Whose answers these are.
    pub side: Role,
    /// Number of the block within stage and side.
    pub block: u32,
}

impl BlockId {
    fn file_name(&self) -> Result<String, EvidenceError> {
        if !is_plain(&self.stage) {
            return Err(EvidenceError::Name {
                name: self.stage.clone(),
            });
        }
        Ok(format!(
            "{}-{}-{}.parquet",
            self.stage,
            self.side.name(),
            self.block
        ))
    }

    /// The inverse; `None` for a file that is something else.
    fn from_file_name(name: &str) -> Option<Self> {
        let (rest, block) = name.strip_suffix(".parquet")?.rsplit_once('-')?;
        let (stage, side) = rest.rsplit_once('-')?;
        let side = Role::SIDES
            .into_iter()
            .find(|candidate| candidate.name() == side)?;
        Some(Self {
            stage: stage.to_owned(),
            side,
            block: block.parse().ok()?,
        })
    }
}

/// A run that is claimed by this process: the lock of an open file, which ends with the process.
#[derive(Debug)]
pub struct RunLock(#[expect(dead_code, reason = "held, not used")] File);

impl RunDirectory {
    /// Creates `<parent>/<name>-<utc_stamp>` (and `parent`, if need be), for its owner only.
    ///
    /// Characters of the name and the stamp that do not belong in a file name become `-`. Where the
    /// directory exists already, `-2`, `-3` ... is appended.
    pub fn create(parent: &Path, name: &str, utc_stamp: &str) -> Result<Self, EvidenceError> {
        fs::create_dir_all(parent).map_err(EvidenceError::io("create", parent))?;
        let path =
            create_unique(&parent.join(format!("{}-{}", sanitised(name), sanitised(utc_stamp))))?;
        let directory = Self { path };
        directory.write_text("format", &format!("{FORMAT}\n"))?;
        Ok(directory)
    }

    /// Opens the directory of a run. Refuses anything else, and a run of a later format.
    pub fn open(path: &Path) -> Result<Self, EvidenceError> {
        fs::metadata(path).map_err(EvidenceError::io("open", path))?;
        let marker = path.join("format");
        let format = match fs::read_to_string(&marker) {
            Ok(text) => text,
            Err(error) if is_absence(&error) => {
                return Err(EvidenceError::NotARun {
                    path: path.to_owned(),
                });
            }
            Err(error) => return Err(EvidenceError::io("read", &marker)(error)),
        };
        match format.trim().parse::<u32>() {
            Ok(found) if found > FORMAT => Err(EvidenceError::NewerFormat {
                path: path.to_owned(),
                found,
                known: FORMAT,
            }),
            Ok(_) => Ok(Self {
                path: path.to_owned(),
            }),
            Err(_) => Err(EvidenceError::damaged(
                &marker,
                "not the number of a format",
            )),
        }
    }

    /// Claims the run for this process until the lock is dropped. Waits a moment for a lock that is about
    /// to go: a process that was killed while it started another leaves it to that child, which ends with
    /// it, but not in the same instant.
    ///
    /// # Errors
    /// Another process has claimed it.
    pub fn lock(&self) -> Result<RunLock, EvidenceError> {
        let path = self.path.join("lock");
        let file = files::private()
            .write(true)
            .create(true)
            .open(&path)
            .map_err(EvidenceError::io("open", &path))?;
        let begin = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(RunLock(file)),
                Err(fs::TryLockError::WouldBlock) if begin.elapsed() < LONGEST_WAIT_FOR_LOCK => {
                    thread::sleep(Duration::from_millis(20));
                }
                Err(fs::TryLockError::WouldBlock) => {
                    return Err(EvidenceError::InUse {
                        path: self.path.clone(),
                    });
                }
                Err(fs::TryLockError::Error(error)) => {
                    return Err(EvidenceError::io("lock", &path)(error));
                }
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directories next to this one in which earlier runs of the trial `name` are, by the time in their names,
    /// the most recent first. What is in them is not looked at. All of them where this directory has another name.
    pub fn earlier(&self, name: &str) -> Result<Vec<PathBuf>, EvidenceError> {
        let own = fs::canonicalize(&self.path).map_err(EvidenceError::io("open", &self.path))?;
        let Some(folder) = own.parent() else {
            return Ok(Vec::new());
        };
        let prefix = format!("{}-", sanitised(name));
        let begun = |path: &Path| begun(path.file_name()?.to_str()?.strip_prefix(&prefix)?);
        let this = begun(&own);
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).map_err(EvidenceError::io("read", folder))? {
            let path = entry.map_err(EvidenceError::io("read", folder))?.path();
            if let Some(at) = begun(&path)
                && this.as_ref().is_none_or(|this| at < *this)
                && path.is_dir()
            {
                found.push((at, path));
            }
        }
        found.sort();
        Ok(found.into_iter().rev().map(|(_, path)| path).collect())
    }

    /// The path of the folder `name` within the run (`logs`), created for its owner only.
    pub fn folder(&self, name: &str) -> Result<PathBuf, EvidenceError> {
        let path = self.inside(name)?;
        match files::create_private_directory(&path) {
            Ok(()) => Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(path),
            Err(error) => Err(EvidenceError::io("create", &path)(error)),
        }
    }

    /// Writes or replaces the text document `name`: whole or not at all.
    pub fn write_text(&self, name: &str, text: &str) -> Result<(), EvidenceError> {
        files::replace(&self.inside(name)?, text.as_bytes())
    }

    /// Reads the text document `name`.
    pub fn read_text(&self, name: &str) -> Result<String, EvidenceError> {
        let path = self.inside(name)?;
        fs::read_to_string(&path).map_err(EvidenceError::io("read", &path))
    }

    /// Writes or replaces the JSON document `name`, indented: whole or not at all.
    pub fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), EvidenceError> {
        let path = self.inside(name)?;
        let mut text =
            serde_json::to_vec_pretty(value).map_err(EvidenceError::json("write", &path))?;
        text.push(b'\n');
        files::replace(&path, &text)
    }

    /// Reads the JSON document `name`.
    pub fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<T, EvidenceError> {
        let text = self.read_text(name)?;
        serde_json::from_str(&text).map_err(EvidenceError::json("read", &self.path.join(name)))
    }

    /// The finished blocks, in the order of stage, side and number.
    pub fn blocks(&self) -> Result<Vec<BlockId>, EvidenceError> {
        self.finished(Folder::Requests)
    }

    /// What is finished in a folder, in the order of stage, side and number.
    pub fn finished(&self, folder: Folder) -> Result<Vec<BlockId>, EvidenceError> {
        let names = file_names(&self.path.join(folder.name()))?;
        let mut found: Vec<_> = names
            .iter()
            .filter_map(|name| BlockId::from_file_name(name))
            .collect();
        found.sort();
        Ok(found)
    }

    /// Removes what an interrupted run left unfinished; returns the paths removed.
    pub fn drop_unfinished(&self) -> Result<Vec<PathBuf>, EvidenceError> {
        let folders = Folder::ALL.map(|folder| self.path.join(folder.name()));
        let mut removed = Vec::new();
        for folder in folders.iter().chain([&self.path]) {
            for name in file_names(folder)? {
                let path = folder.join(&name);
                if path
                    .extension()
                    .is_some_and(|ending| ending == files::UNFINISHED)
                {
                    fs::remove_file(&path).map_err(EvidenceError::io("remove", &path))?;
                    removed.push(path);
                }
            }
        }
        removed.sort();
        Ok(removed)
    }

    /// The file of a block, its folder created.
    pub(crate) fn block_to_write(
        &self,
        folder: Folder,
        id: &BlockId,
    ) -> Result<PathBuf, EvidenceError> {
        Ok(self.folder(folder.name())?.join(id.file_name()?))
    }

    /// The file of a block.
    pub(crate) fn block_to_read(
        &self,
        folder: Folder,
        id: &BlockId,
    ) -> Result<PathBuf, EvidenceError> {
        Ok(self.path.join(folder.name()).join(id.file_name()?))
    }

    /// The path of `name`, which may name a folder of the run (`logs/incumbent.log`) and never
    /// leaves it.
    pub(crate) fn inside(&self, name: &str) -> Result<PathBuf, EvidenceError> {
        let relative = Path::new(name);
        let stays = relative
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if name.is_empty() || !stays {
            return Err(EvidenceError::Name {
                name: name.to_owned(),
            });
        }
        Ok(self.path.join(relative))
    }
}

/// When a run began, by the end of its directory's name: the time, and its number among those of one second.
fn begun(ending: &str) -> Option<(String, u32)> {
    let (time, number) = match ending.split_once('-') {
        Some((time, number)) => (time, number.parse().ok()?),
        None => (ending, 1),
    };
    let form = |(index, c): (usize, char)| match index {
        8 => c == 'T',
        15 => c == 'Z',
        _ => c.is_ascii_digit(),
    };
    (time.len() == 16 && time.chars().enumerate().all(form)).then(|| (time.to_owned(), number))
}

/// Creates `wanted`, or the first of `wanted-2`, `wanted-3` ... that is free.
fn create_unique(wanted: &Path) -> Result<PathBuf, EvidenceError> {
    let mut path = wanted.to_owned();
    let mut attempt = 1u32;
    loop {
        match files::create_private_directory(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 1_000 => {
                attempt += 1;
                let mut name = wanted.as_os_str().to_owned();
                name.push(format!("-{attempt}"));
                path = PathBuf::from(name);
            }
            Err(error) => return Err(EvidenceError::io("create", &path)(error)),
        }
    }
}

/// The names of the plain files in a folder; none if there is no such folder.
fn file_names(folder: &Path) -> Result<Vec<String>, EvidenceError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(EvidenceError::io("read", folder)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(EvidenceError::io("read", folder))?;
        let is_directory = entry
            .file_type()
            .map_err(EvidenceError::io("read", &entry.path()))?
            .is_dir();
        if let (false, Ok(name)) = (is_directory, entry.file_name().into_string()) {
            names.push(name);
        }
    }
    Ok(names)
}

fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    !name.is_empty() && name.len() <= LONGEST_NAME && name.chars().all(plain)
}

fn sanitised(name: &str) -> String {
    let keep = |c: char| {
        if is_plain(c.encode_utf8(&mut [0; 4])) {
            c
        } else {
            '-'
        }
    };
    let kept: String = name.chars().map(keep).take(LONGEST_NAME).collect();
    let kept = kept.trim_start_matches('.');
    if kept.is_empty() {
        "run".to_owned()
    } else {
        kept.to_owned()
    }
}
