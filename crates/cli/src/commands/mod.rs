//! One module a command.

pub(crate) mod case;
pub(crate) mod completions;
pub(crate) mod dataset;
pub(crate) mod gateway;
pub(crate) mod guard;
pub(crate) mod history;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod judge;
pub(crate) mod launch;
pub(crate) mod load;
pub(crate) mod man;
pub(crate) mod plan;
pub(crate) mod profile;
pub(crate) mod report;
pub(crate) mod suite;
pub(crate) mod trial;
