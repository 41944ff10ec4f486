//! Sides that are commits: checked out next to the working tree, which stays as it is.

use crate::config::{Launched, SideConfig, TrialConfig};
use crate::error::TrialError;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use understudy_evidence::RunDirectory;
use understudy_model::{Role, plain_words};

/// The work trees that a trial has made. An interrupted trial leaves them to the one that continues: a
/// build there need not be made again.
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
        for side in Role::SIDES {
            if let Some(SideConfig::Launched(launched)) = config.side_mut(side)
                && let Some(commit) = launched.git.clone()
            {
                // Git distinguishes paths by their text.
                let folder = run.folder("worktrees")?;
                let folder = folder.canonicalize().unwrap_or(folder);
                let tree = folder.join(side.name());
                launched.dir = checkouts.add(launched, &commit, tree)?;
            }
        }
        Ok((checkouts, config))
    }

    /// Removes them.
    pub(crate) fn remove(self) {
        for (repository, tree) in &self.made {
            let path = tree.to_string_lossy();
            // The trial is over; `git worktree prune` forgets what stays.
            let _ = git(repository, &["worktree", "remove", "--force", &path]);
        }
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
        if !is_work_tree(&tree, commit) {
            let path = tree.to_string_lossy().into_owned();
            // What an interrupted run left of it, if anything.
            let _ = git(&top, &["worktree", "remove", "-f", "-f", &path]);
            let _ = std::fs::remove_dir_all(&tree);
            // Twice forced: git may know the path of a work tree whose folder was deleted.
            let add = ["worktree", "add", "-f", "-f", "--detach", &path, commit];
            git(&top, &add)?;
        }
        self.made.push((top, tree.clone()));
        Ok(tree.join(within))
    }
}

/// Is this a whole work tree of its own at the commit? Files that a build changed are put back, what
/// it added stays.
fn is_work_tree(tree: &Path, commit: &str) -> bool {
    // Where there is no work tree, git would answer for the repository around the folder.
    let own = git(tree, &["rev-parse", "--show-toplevel"]).is_ok_and(|top| Path::new(&top) == tree);
    own && git(tree, &["reset", "-q", "--hard", commit]).is_ok()
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
        // The repository's hooks are for people who work in it.
        .args(["-c", "core.hooksPath=/dev/null"])
        .args(arguments)
        // A group of its own: Ctrl-C ends this program, which then ends as it should.
        .process_group(0)
        // Set where a hook runs this program; they would name another repository.
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .output()
        .map_err(|error| failed(format!("git cannot be started: {}", plain_words(&error))))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(failed(text(&output.stderr))),
    }
}
