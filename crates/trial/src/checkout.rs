//! Sides that are commits: checked out beside the working tree, which stays as it is.

use crate::config::{Launched, SideConfig, TrialConfig};
use crate::error::TrialError;
use std::path::{Path, PathBuf};
use std::process::Command;
use understudy_evidence::RunDirectory;
use understudy_model::Side;

/// The work trees that a trial has made. Dropping it removes them.
#[derive(Debug, Default)]
pub(crate) struct Checkouts {
    /// Repository and work tree.
    made: Vec<(PathBuf, PathBuf)>,
}

impl Checkouts {
    /// Checks out every side that names a commit, within the run; the configuration that comes back
    /// points there. A work tree that an interrupted run left is used again.
    ///
    /// # Errors
    /// Git is missing, or refuses; its own words say why.
    pub(crate) fn make(
        config: &TrialConfig,
        run: &RunDirectory,
    ) -> Result<(Self, TrialConfig), TrialError> {
        let mut checkouts = Checkouts::default();
        let mut config = config.clone();
        for side in Side::ALL {
            let of = match side {
                Side::Incumbent => &mut config.incumbent,
                Side::Candidate => &mut config.candidate,
            };
            if let SideConfig::Launched(launched) = of
                && let Some(commit) = launched.git.clone()
            {
                // Git tells paths apart by their text.
                let folder = run.folder("worktrees")?;
                let folder = folder.canonicalize().unwrap_or(folder);
                let tree = folder.join(side.name());
                launched.dir = checkouts.add(launched, &commit, tree)?;
            }
        }
        Ok((checkouts, config))
    }

    /// Makes one work tree. Returns the folder in it that the side's `dir` is in the working tree.
    fn add(
        &mut self,
        launched: &Launched,
        commit: &str,
        tree: PathBuf,
    ) -> Result<PathBuf, TrialError> {
        let top = PathBuf::from(git(&launched.dir, &["rev-parse", "--show-toplevel"])?);
        let dir = launched.dir.canonicalize();
        let dir = dir.unwrap_or_else(|_| launched.dir.clone());
        let within = dir.strip_prefix(&top).unwrap_or(Path::new(""));
        let there = tree.is_dir() && git(&tree, &["rev-parse", "HEAD"]).is_ok_and(|h| h == commit);
        let path = tree.to_string_lossy().into_owned();
        // Registered before it is made: a half-made one is removed too.
        self.made.push((top.clone(), tree.clone()));
        if !there {
            // Twice forced: the path may be known of a work tree whose folder was deleted.
            let add = ["worktree", "add", "-f", "-f", "--detach", &path, commit];
            git(&top, &add)?;
        }
        Ok(tree.join(within))
    }
}

impl Drop for Checkouts {
    fn drop(&mut self) {
        for (repository, tree) in &self.made {
            let path = tree.to_string_lossy();
            // Nobody is left to tell; `git worktree prune` forgets what stays.
            let _ = git(repository, &["worktree", "remove", "--force", &path]);
        }
    }
}

/// The commit that a name stands for in the repository around `dir`, as its full hash.
///
/// # Errors
/// There is no repository, no such commit, or no git.
pub fn commit(dir: &Path, name: &str) -> Result<String, TrialError> {
    // What begins with a dash would be an option.
    let wanted = format!("{name}^{{commit}}");
    git(dir, &["rev-parse", "--verify", "--end-of-options", &wanted])
}

/// Runs git in a folder. Returns what it says, without the end of line.
fn git(dir: &Path, arguments: &[&str]) -> Result<String, TrialError> {
    let failed = |why: String| TrialError::Git {
        dir: dir.to_owned(),
        command: arguments.join(" "),
        why,
    };
    let output = Command::new("git")
        .arg("-C")
        .arg(dir)
        .args(arguments)
        // Set where a hook runs this program; they would name another repository.
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .output()
        .map_err(|error| failed(format!("git cannot be started: {error}")))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(failed(text(&output.stderr))),
    }
}
