//! Which route a request takes.

use crate::config::Route;
use http::Method;

/// The first route that fits.
pub(crate) fn find<R>(
    routes: &[R],
    of: impl Fn(&R) -> &Route,
    host: &str,
    path: &str,
    method: &Method,
) -> Option<usize> {
    let host = host_name(host);
    routes.iter().position(|route| {
        let route = of(route);
        route
            .host
            .as_deref()
            .is_none_or(|wanted| is_host(wanted, host))
            && is_below(&route.path, path)
            && (route.methods.is_empty() || route.methods.contains(method))
    })
}

/// The host without its port.
fn host_name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

fn is_host(wanted: &str, host: &str) -> bool {
    match wanted.strip_prefix('*') {
        Some(below) => {
            let start = host.len().saturating_sub(below.len());
            start > 0 && host.as_bytes()[start..].eq_ignore_ascii_case(below.as_bytes())
        }
        None => host.eq_ignore_ascii_case(wanted),
    }
}

/// Is it the path, or below it? `*` is the server as a whole. `/a` covers `/a` and `/a/b`, not `/ab`.
fn is_below(wanted: &str, path: &str) -> bool {
    let path = if path == "*" { "/" } else { path };
    path.strip_prefix(wanted)
        .is_some_and(|rest| wanted.ends_with('/') || rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_route_that_fits_decides() {
        let route = |host: Option<&str>, path: &str, methods: &[Method]| Route {
            host: host.map(str::to_owned),
            path: path.to_owned(),
            methods: methods.to_vec(),
            ..Route::everything()
        };
        let routes = [
            route(Some("*.shop.example"), "/", &[]),
            route(None, "/api", &[Method::GET]),
            route(Some("shop.example"), "/api/", &[]),
        ];
        let found = |host, path, method: &Method| find(&routes, |route| route, host, path, method);
        assert_eq!(found("a.Shop.example:8080", "/", &Method::PUT), Some(0));
        assert_eq!(found("shop.example", "/api", &Method::GET), Some(1));
        assert_eq!(found("x", "/api/1", &Method::GET), Some(1));
        assert_eq!(found("x", "/apix", &Method::GET), None);
        assert_eq!(found("a.shop.example", "*", &Method::OPTIONS), Some(0));
        assert_eq!(found("x", "*", &Method::OPTIONS), None);
        assert_eq!(found("shop.example", "/api/1", &Method::POST), Some(2));
        assert_eq!(found("shop.example", "/api", &Method::POST), None);
        assert_eq!(found("é.shop.exampleé", "/api", &Method::POST), None);
    }
}
