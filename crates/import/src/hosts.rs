//! Whose requests are taken.

use crate::Read;
use crate::recorded::{Origin, Recorded};
use crate::summary::HostSummary;
use std::collections::BTreeMap;

/// The hosts of an import.
pub(crate) struct Hosts {
    /// Those asked for; none for all.
    wanted: Vec<String>,
    /// The one host of what browsers sent, where none was asked for.
    main: Option<String>,
    /// Every host with its number of requests, and of those that are taken.
    seen: BTreeMap<String, (u64, u64)>,
}

impl Hosts {
    /// Chooses among the hosts that occur: those asked for, else for browsers the most frequent one
    /// (of equally frequent ones the first).
    pub(crate) fn choose(files: &[Read<'_>], wanted: &[String]) -> Self {
        let requests = || {
            let found = files.iter().flat_map(|file| &file.found);
            let requests = found.filter_map(|found| found.request.as_ref().ok());
            requests.filter_map(|request| Some((request, request.host.as_deref()?)))
        };
        let mut of_browsers: Vec<(&str, u64)> = Vec::new();
        for (_, host) in requests().filter(|(request, _)| request.from == Origin::Browser) {
            match of_browsers.iter_mut().find(|(other, _)| *other == host) {
                Some((_, count)) => *count += 1,
                None => of_browsers.push((host, 1)),
            }
        }
        // The last of the greatest of the reverse is the first: the file decides between equals.
        let main = of_browsers.iter().rev().max_by_key(|(_, count)| *count);
        let mut hosts = Hosts {
            wanted: wanted
                .iter()
                .map(|host| host.to_ascii_lowercase())
                .collect(),
            main: main.map(|(host, _)| (*host).to_owned()),
            seen: BTreeMap::new(),
        };
        for (request, host) in requests() {
            let taken = u64::from(hosts.takes(request));
            let (all, of_them) = hosts.seen.entry(host.to_owned()).or_default();
            *all += 1;
            *of_them += taken;
        }
        hosts
    }

    /// Is this request one to take? One without a host is.
    pub(crate) fn takes(&self, request: &Recorded) -> bool {
        let Some(host) = request.host.as_deref() else {
            return true;
        };
        match request.from {
            Origin::Browser => self.takes_of_browser(host),
            Origin::Server | Origin::Description => self.wanted.is_empty() || self.is_wanted(host),
        }
    }

    fn takes_of_browser(&self, host: &str) -> bool {
        if self.wanted.is_empty() {
            self.main.as_deref() == Some(host)
        } else {
            self.is_wanted(host)
        }
    }

    /// With a port it has to be the same, without one any port is.
    fn is_wanted(&self, host: &str) -> bool {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => host,
        };
        self.wanted
            .iter()
            .any(|wanted| wanted == host || wanted == name)
    }

    /// Every host that occurs, the most frequent first.
    pub(crate) fn summary(&self) -> Vec<HostSummary> {
        let of = |(host, (requests, taken)): (&String, &(u64, u64))| HostSummary {
            host: host.clone(),
            requests: *requests,
            taken: *taken,
        };
        let mut all: Vec<HostSummary> = self.seen.iter().map(of).collect();
        all.sort_by_key(|host| std::cmp::Reverse(host.requests));
        all
    }
}
