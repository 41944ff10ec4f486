//! Host and port, as `Host`, `:authority` and absolute targets have them.

/// Is it `uri-host [ ":" port ]` (RFC 9110, section 7.2)? Commas are refused although a registered
/// name may have them: what looks like a list is read by some as its first host, by others as its last.
pub fn is_host(text: &[u8]) -> bool {
    let (host, port) = match text {
        [b'[', rest @ ..] => {
            let Some(end) = rest.iter().position(|byte| *byte == b']') else {
                return false;
            };
            let is_address = std::str::from_utf8(&rest[..end])
                .is_ok_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok());
            match (is_address, &rest[end + 1..]) {
                (true, []) => return true,
                (true, [b':', port @ ..]) => return is_port(port),
                _ => return false,
            }
        }
        _ => match text.iter().position(|byte| *byte == b':') {
            Some(colon) => (&text[..colon], &text[colon + 1..]),
            None => (text, &b""[..]),
        },
    };
    !host.is_empty() && is_name(host) && is_port(port)
}

/// A registered name or an IPv4 address.
fn is_name(mut host: &[u8]) -> bool {
    while let [first, rest @ ..] = host {
        host = match (first, rest) {
            (b'%', [high, low, rest @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                rest
            }
            (byte, rest) if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+;=".contains(byte) => {
                rest
            }
            _ => return false,
        };
    }
    true
}

/// Nothing, or a number that a port can have.
fn is_port(digits: &[u8]) -> bool {
    let number = digits.iter().try_fold(0u32, |sum, byte| {
        match byte.is_ascii_digit() && sum <= 65_535 {
            true => Some(sum * 10 + u32::from(byte - b'0')),
            false => None,
        }
    });
    number.is_some_and(|number| number <= 65_535)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_one_name_or_address_with_a_port() {
        for host in [
            "a",
            "shop.example",
            "shop_1.example:8080",
            "127.0.0.1:80",
            "[::1]",
            "[::1]:8080",
            "a:",
            "a:0",
            "a:65535",
            "a%20b",
            "xn--bcher-kva.example",
        ] {
            assert!(is_host(host.as_bytes()), "{host}");
        }
        for host in [
            "",
            ":80",
            "a:b",
            "a:65536",
            "a:99999999999999999999",
            "a:-1",
            "a:80:80",
            "a, b",
            "a,b",
            "a b",
            "me@a",
            "a/",
            "a?",
            "a#",
            "a\"",
            "a<b",
            "a\\b",
            "a%2",
            "a%zz",
            "[::1",
            "[]",
            "[::g]",
            "[::1]x",
            "::1",
            "b\u{fc}cher",
            "a\t",
            "a\u{0}",
        ] {
            assert!(!is_host(host.as_bytes()), "{host}");
        }
    }
}
