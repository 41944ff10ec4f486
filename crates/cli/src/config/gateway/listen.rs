//! `[[listen]]`: where clients connect.

use super::super::absolute;
use super::super::reader::{Section, text};
use super::own::overlap;
use crate::config::cannot_read;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use understudy_gateway::config::Listener;
use understudy_gateway::tls::{self, Certificate};

pub(super) fn read(sections: Vec<Section<'_>>, folder: &Path) -> Vec<Listener> {
    let mut listeners: Vec<Listener> = Vec::new();
    for mut section in sections {
        section.need(
            &["address"],
            "write where to listen, such as address = \"0.0.0.0:8080\"",
        );
        let address = address(&mut section, "an address such as \"0.0.0.0:8080\"");
        let trust_forwarded = section.boolean("trust_forwarded").unwrap_or_default();
        let given = section.sections("certificate");
        let is_tls = !given.is_empty();
        let certificates: Vec<Option<Certificate>> = given
            .into_iter()
            .map(|section| certificate(section, folder))
            .collect();
        let certificates: Option<Vec<Certificate>> = certificates.into_iter().collect();
        let tls = match certificates.filter(|_| is_tls).map(|all| tls::server(&all)) {
            Some(Err(error)) => {
                section.refuse("certificate", error);
                None
            }
            tls => tls.and_then(Result::ok).map(Arc::new),
        };
        if let Some(address) = address {
            let same = listeners.iter().find(|of| overlap(of.address, address));
            if let Some(Listener { address: other, .. }) = same {
                let what = match *other == address {
                    true => "is listened on already".to_owned(),
                    false => format!("is listened on already, by {other}"),
                };
                section.refuse("address", what);
            }
            listeners.push(Listener {
                address,
                tls,
                trust_forwarded,
            });
        }
        section.finish();
    }
    listeners
}

/// Where to listen: an IP address and a port.
pub(super) fn address(section: &mut Section<'_>, example: &str) -> Option<SocketAddr> {
    section.get("address", |value| {
        let text = text(value)?;
        text.parse().map_err(|_| {
            format!("{text:?} is not an IP address with a port\nhint: write {example}")
        })
    })
}

/// The first one is for clients that name no host, or an unknown one.
fn certificate(mut section: Section<'_>, folder: &Path) -> Option<Certificate> {
    section.need(
        &["file"],
        "name the file with the certificate and those it is signed by (PEM)",
    );
    section.need(&["key"], "name the file with the private key (PEM)");
    let names = section.list(
        "hosts",
        "a list of names such as [\"shop.example\"]",
        |value| text(value).map(str::to_owned),
    );
    let hosts = names.unwrap_or_default();
    let certificate = certificate_of(&mut section, ("file", "key"), hosts, folder);
    section.finish();
    certificate
}

/// A certificate and its key, if both keys of the section name a file that can be read.
pub(super) fn certificate_of(
    section: &mut Section<'_>,
    (file, key): (&'static str, &'static str),
    hosts: Vec<String>,
    folder: &Path,
) -> Option<Certificate> {
    let read = |section: &mut Section<'_>, key| {
        section.get(key, |value| {
            let path = absolute(folder, text(value)?);
            std::fs::read(&path).map_err(|error| cannot_read(&path, &error))
        })
    };
    let (chain, secret) = (read(section, file), read(section, key));
    match Certificate::from_pem(&chain?, &secret?, hosts) {
        Ok(certificate) => Some(certificate),
        Err(error) => {
            section.refuse(file, error);
            None
        }
    }
}
