//! Lets in only those who may use the server, and says what pages may do.

use super::server::Server;
use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

/// The name of the cookie that holds the token.
const COOKIE: &str = "splatgraph";

/// Refuses requests of other sites and of those without the token.
///
/// A page of another site can make a browser send requests here. The browser then names that site in `Origin` or
/// `Sec-Fetch-Site`, or, if the site's name leads to this machine, in `Host`.
pub(super) async fn guard(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut response = answer(&server, request, next).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    // Files of the front end have names that change with their content.
    if is_read && !headers.contains_key(header::CACHE_CONTROL) {
        let kept = if path.starts_with("/assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    }
    // Scripts of workers would have the policy of their own response.
    let is_script = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().ends_with(b"javascript"));
    if !is_script && !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    }
    response
}

async fn answer(server: &Server, request: Request, next: Next) -> Response {
    let options = &server.options;
    if let Err(why) = is_own(request.headers(), options.listen, &options.names) {
        return (StatusCode::FORBIDDEN, why).into_response();
    }
    let mut cookie = None;
    if let Some(token) = &options.token {
        let given = query_token(request.uri().query().unwrap_or_default());
        if given.as_deref().is_some_and(|given| is_same(given, token)) {
            cookie = HeaderValue::from_str(&format!("{COOKIE}={token}; HttpOnly; SameSite=Strict; Path=/")).ok();
        } else if !has_token(request.headers(), token) {
            let why = "expected the token, as `?token=...` in the address or as `Authorization: Bearer ...`";
            return (StatusCode::UNAUTHORIZED, why).into_response();
        }
    }
    let mut response = next.run(request).await;
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// Whether a request is meant for this server and does not come from another site.
fn is_own(headers: &HeaderMap, listen: SocketAddr, names: &[String]) -> Result<(), String> {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).unwrap_or_default();
    let name = without_port(host);
    let is_known = match name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        Ok(address) => address.is_loopback() || address == listen.ip() || listen.ip().is_unspecified(),
        Err(_) => name.eq_ignore_ascii_case("localhost") || names.iter().any(|known| known.eq_ignore_ascii_case(name)),
    };
    if !is_known {
        return Err(format!("expected a host that this server has, got {host:?}; the option `name` adds one"));
    }
    if let Some(origin) = text(header::ORIGIN) {
        let from = origin.split_once("://").map_or(origin, |(_, host)| host);
        if !from.eq_ignore_ascii_case(host) {
            return Err(format!("expected a request of a page of this server, got one of {origin:?}"));
        }
    }
    // Only a person who follows a link comes from another site.
    let is_navigation = headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate");
    match headers.get("sec-fetch-site").and_then(|site| site.to_str().ok()) {
        Some("cross-site" | "same-site") if !is_navigation => {
            Err("expected a request of a page of this server".to_owned())
        }
        _ => Ok(()),
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

fn query_token(query: &str) -> Option<String> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix("token="))?;
    Some(value.to_owned())
}

fn has_token(headers: &HeaderMap, token: &str) -> bool {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| value.strip_prefix("Bearer "));
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let cookies = cookies.flat_map(|all| all.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let own = cookies.filter(|(name, _)| *name == COOKIE).map(|(_, value)| value);
    bearer.into_iter().chain(own).any(|given| is_same(given, token))
}

/// Compares in a time that does not tell how much of the token is right.
fn is_same(given: &str, token: &str) -> bool {
    given.len() == token.len() && given.bytes().zip(token.bytes()).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

/// A response with a page, which may do what `policy` says.
pub(super) fn page(html: impl Into<Body>, policy: &str) -> Response {
    let policy = HeaderValue::from_str(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    ([(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, policy)], html.into()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(listen: &str, headers: &[(&'static str, &str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
        is_own(&headers.collect(), listen.parse().unwrap(), &["box.lan".to_owned()]).is_ok()
    }

    #[test]
    fn only_this_servers_pages_may_ask() {
        let here = "127.0.0.1:8188";
        for host in ["127.0.0.1:8188", "localhost:8188", "LOCALHOST", "[::1]:8188", "box.lan", "box.lan:80"] {
            assert!(asked(here, &[("host", host)]), "{host}");
        }
        for host in ["", "evil.example", "127.0.0.1.evil.example:8188", "192.168.0.7:8188", "localhost.evil", "[::2]:1"]
        {
            assert!(!asked(here, &[("host", host)]), "{host}");
        }
        assert!(asked("0.0.0.0:8188", &[("host", "192.168.0.7:8188")]));
        let from = |origin: &str| asked(here, &[("host", "localhost:8188"), ("origin", origin)]);
        assert!(from("http://localhost:8188"));
        for origin in
            ["null", "http://localhost", "http://localhost:81880", "https://evil.example", "http://127.0.0.1:8188"]
        {
            assert!(!from(origin), "{origin}");
        }
        let site = |site: &str, mode: &str| {
            asked(here, &[("host", "localhost"), ("sec-fetch-site", site), ("sec-fetch-mode", mode)])
        };
        assert!(site("same-origin", "cors") && site("none", "navigate") && site("cross-site", "navigate"));
        assert!(!site("cross-site", "no-cors") && !site("same-site", "cors"));
    }
}
