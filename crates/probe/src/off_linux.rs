//! The crate off Linux: the same names, and nothing that can be started.
//! [`Child`] and [`Sampler`] have no values, so their functions have no bodies to get wrong.

use crate::Sample;
use crate::{Detected, Exit, FreezeError, Launch, LaunchError, Listener, SampleError, StopError};
use std::path::Path;
use std::time::Duration;

/// The control groups Understudy may use: none here.
#[derive(Clone, Debug)]
pub struct Cgroups(Detected);

impl Cgroups {
    /// Finds none.
    pub fn detect(_root: &Path) -> Cgroups {
        Cgroups::none("control groups are a part of Linux")
    }

    /// Uses none, for the given reason (a lower-case fragment).
    pub fn none(reason: &str) -> Cgroups {
        Cgroups(Detected::None(reason.into()))
    }

    /// What was found.
    pub fn detected(&self) -> &Detected {
        &self.0
    }

    /// Memory cannot be limited.
    ///
    /// # Errors
    /// Always: why none is found.
    pub fn memory(&self) -> Result<(), String> {
        match &self.0 {
            Detected::None(reason) => Err(reason.clone()),
            Detected::V1 | Detected::V2 => Ok(()),
        }
    }

    /// Has nothing to remove.
    pub fn sweep(&self) -> Vec<String> {
        Vec::new()
    }
}

impl Launch {
    /// Starts nothing.
    ///
    /// # Errors
    /// Always [`LaunchError::Unsupported`].
    pub fn spawn(&self, _cgroups: &Cgroups) -> Result<Child, LaunchError> {
        Err(LaunchError::Unsupported {
            name: self.name.clone(),
        })
    }
}

#[cfg(unix)]
impl Launch {
    /// Starts nothing.
    ///
    /// # Errors
    /// Always [`LaunchError::Unsupported`].
    pub fn spawn_connected(
        &self,
        _cgroups: &Cgroups,
    ) -> Result<(Child, std::os::unix::net::UnixStream), LaunchError> {
        Err(LaunchError::Unsupported {
            name: self.name.clone(),
        })
    }
}

/// A program that Understudy started: never here.
#[derive(Debug)]
pub enum Child {}

#[expect(missing_docs, reason = "documented on Linux; these cannot be called")]
#[expect(
    clippy::missing_errors_doc,
    reason = "documented on Linux; these cannot be called"
)]
impl Child {
    pub fn name(&self) -> &str {
        match *self {}
    }
    pub fn pid(&self) -> u32 {
        match *self {}
    }
    pub fn cpus(&self) -> &[u32] {
        match *self {}
    }
    pub fn log(&self) -> &Path {
        match *self {}
    }
    pub fn memory_kills(&self) -> Option<u64> {
        match *self {}
    }
    pub fn memory_peak_bytes(&self) -> Option<u64> {
        match *self {}
    }
    pub(crate) fn log_start(&self) -> u64 {
        match *self {}
    }
    pub fn unmeasured(&self) -> &[String] {
        match *self {}
    }
    pub fn exited(&mut self) -> Option<Exit> {
        match *self {}
    }
    pub fn pids(&self) -> Vec<u32> {
        match *self {}
    }
    pub fn sampler(&self) -> Result<Sampler, SampleError> {
        match *self {}
    }
    pub fn listener(&self, _port: u16) -> Listener {
        match *self {}
    }
    pub fn serving(&self, _port: u16) -> Vec<u32> {
        match *self {}
    }
    pub fn freeze(&mut self) -> Result<(), FreezeError> {
        match *self {}
    }
    pub fn thaw(&mut self) -> Result<(), FreezeError> {
        match *self {}
    }
    pub fn stop(&mut self, _grace: Duration) -> Result<Exit, StopError> {
        match *self {}
    }
}

/// Guards nothing: nothing can be started here.
#[derive(Debug)]
pub struct Guard(());

impl Guard {
    /// Starts nothing.
    ///
    /// # Errors
    /// None.
    pub fn start(_command: std::process::Command) -> std::io::Result<Guard> {
        Ok(Guard(()))
    }
}

/// Has nothing to end.
///
/// # Errors
/// None.
pub fn stand_guard(_of: u32, _line: impl std::io::Read, _cgroups: &Cgroups) -> std::io::Result<()> {
    Ok(())
}

/// Reads what a process tree uses: nothing here.
#[derive(Debug)]
pub enum Sampler {}

impl Sampler {
    /// Measures nothing.
    ///
    /// # Errors
    /// Always [`SampleError::Unsupported`].
    pub fn of_pid(_pid: u32) -> Result<Sampler, SampleError> {
        Err(SampleError::Unsupported)
    }

    /// Measures nothing.
    ///
    /// # Errors
    /// Always [`SampleError::Unsupported`].
    pub fn of_cgroup(_path: &Path) -> Result<Sampler, SampleError> {
        Err(SampleError::Unsupported)
    }

    /// Cannot be called.
    ///
    /// # Errors
    /// None: there is no sampler.
    pub fn sample(&mut self, _pss: bool) -> Result<Sample, SampleError> {
        match *self {}
    }

    /// Cannot be called.
    pub fn pids(&self) -> Vec<u32> {
        match *self {}
    }

    /// Cannot be called.
    pub fn reset_peak(&mut self) -> Vec<String> {
        match *self {}
    }
}

/// Observes the other processes of this machine: nothing here.
#[derive(Debug)]
pub enum NeighbourSampler {}

impl NeighbourSampler {
    /// Observes nothing.
    pub fn begin(_side: Option<&[u32]>, _by: std::time::Instant) -> Option<Self> {
        None
    }

    /// Cannot be called.
    pub fn look(&mut self, _side: Option<&[u32]>, _by: std::time::Instant) {
        match *self {}
    }

    /// Cannot be called.
    pub fn end(self, _side: Option<&[u32]>) -> understudy_model::neighbours::Neighbours {
        match self {}
    }
}

impl crate::Given {
    /// Nothing is known.
    pub fn of_pid(_pid: u32) -> crate::Given {
        crate::Given::default()
    }

    /// Nothing is known.
    pub fn of_cgroup(_path: &Path) -> crate::Given {
        crate::Given::default()
    }
}

/// A file's length at a moment right after it had grown: never here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grown {
    /// Bytes.
    pub length: u64,
    /// The system's monotonic clock, nanoseconds.
    pub at_ns: u64,
}

/// Watches a file grow: nothing does here.
#[derive(Debug)]
pub struct Growth<S = Vec<Grown>>(std::convert::Infallible, std::marker::PhantomData<S>);

impl Growth {
    /// Watches nothing.
    ///
    /// # Errors
    /// Always.
    pub fn watch(_file: &Path) -> std::io::Result<Growth> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

impl<S> Growth<S> {
    /// Watches nothing.
    ///
    /// # Errors
    /// Always.
    pub fn follow(
        _file: &Path,
        _seen: S,
        _look: impl FnMut(&mut S, Grown) + Send + 'static,
    ) -> std::io::Result<Growth<S>> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    /// Ends the watch.
    pub fn stop(self) -> Option<S> {
        match self.0 {}
    }
}
