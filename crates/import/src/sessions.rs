//! Whose requests follow one another.

use crate::recorded::Recorded;
use crate::secrets::Secrets;
use std::collections::HashMap;

/// The session of each request, numbered from 1 in the order in which they begin. A client with a
/// single request has no order to keep, and no session.
pub(crate) fn find(requests: &[Recorded], secrets: &Secrets) -> Vec<Option<u32>> {
    let keys: Vec<Option<String>> = requests.iter().map(|of| identity(of, secrets)).collect();
    let mut counts: HashMap<&str, u32> = HashMap::new();
    for key in keys.iter().flatten() {
        *counts.entry(key).or_default() += 1;
    }
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    let mut number = |key: &'_ str| -> Option<u32> {
        let (key, count) = counts.get_key_value(key)?;
        let next = numbers.len() as u32 + 1;
        (*count > 1).then(|| *numbers.entry(key).or_insert(next))
    };
    keys.iter().map(|key| number(key.as_deref()?)).collect()
}

/// What distinguishes one client from another: its session cookie, else its credentials, else what the file
/// knows of it.
fn identity(request: &Recorded, secrets: &Secrets) -> Option<String> {
    let header = |name: &'static str| {
        let of = move |(other, _): &&(String, String)| other.eq_ignore_ascii_case(name);
        request
            .headers
            .iter()
            .filter(of)
            .map(|(_, value)| value.as_str())
    };
    let pairs = || header("cookie").flat_map(|cookies| cookies.split(';').map(str::trim));
    let of_session = |pair: &&str| {
        let name = pair
            .split('=')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        name.contains("sess") || name.ends_with("sid")
    };
    let secret = |pair: &&str| secrets.is_name(pair.split('=').next().unwrap_or_default());
    let cookies: Vec<&str> = match pairs().any(|pair| of_session(&pair)) {
        true => pairs().filter(of_session).collect(),
        false => pairs().filter(secret).collect(),
    };
    if !cookies.is_empty() {
        return Some(format!("cookie {}", cookies.join(";")));
    }
    let authorization = header("authorization").next();
    authorization
        .map(|value| format!("authorization {value}"))
        .or_else(|| request.client.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;

    fn request(cookie: &str, authorization: &str, client: &str) -> Recorded {
        let headers = [("cookie", cookie), ("Authorization", authorization)];
        Recorded {
            headers: headers
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            client: (!client.is_empty()).then(|| client.to_owned()),
            ..Recorded::default()
        }
    }

    #[test]
    fn cookies_come_before_credentials_before_clients() {
        let requests = [
            request("theme=dark; JSESSIONID=1", "", "a"),
            request("JSESSIONID=2; x=y", "Bearer 1", "a"),
            request("", "Bearer 1", "a"),
            request("theme=light; JSESSIONID=1; csrftoken=z", "", "b"),
            request("", "", "a"),
            request("csrftoken=z", "", "b"),
            request("", "Bearer 1", "b"),
            request("", "", "a"),
            request("", "", ""),
            request("csrftoken=z", "", ""),
        ];
        let secrets = Secrets::new(&Options::default());
        let of = [1, 0, 2, 1, 3, 4, 2, 3, 0, 4].map(|n| (n > 0).then_some(n));
        assert_eq!(find(&requests, &secrets), of);
    }
}
