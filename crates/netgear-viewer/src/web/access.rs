//! Who may ask.

use std::{fmt, net::IpAddr};

use hyper::{HeaderMap, Uri, header};

/// The rules by which a request is let in.
#[derive(Debug)]
pub(super) struct Access {
    host_names: Vec<String>,
    token: Option<Token>,
}

/// A secret that a request must have. It shows in no log.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Token(pub(super) String);

impl Token {
    /// Whether it can stand in an address as it is.
    pub(super) fn is_plain(&self) -> bool {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        !self.0.is_empty() && self.0.bytes().all(is_plain)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(not shown)")
    }
}

/// Whether it is a name alone: no address of a page, and no port.
pub(super) fn is_host_name(name: &str) -> bool {
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !name.is_empty() && name.bytes().all(is_of_name)
}

/// Why a request is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error(
        "This page answers to localhost, to IP addresses, and to names that it was told. Open it by one of these, or tell the \
         program this name (netgear: --web-host NAME)."
    )]
    Host,
    #[error("This page answers only to itself, and not to pages of other sites.")]
    Origin,
    #[error("This page wants its access token: open it as it was printed, with ?token= at the end.")]
    Token,
}

impl Access {
    pub(super) fn new(host_names: Vec<String>, token: Option<Token>) -> Self {
        Self { host_names, token }
    }

    /// Holds the request's Host and Origin against the rules.
    ///
    /// A site whose name points to this machine (DNS rebinding) has its own name as Host; an IP address cannot be
    /// made to point elsewhere. The port is not looked at: behind a tunnel it is another one.
    pub(super) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let host = single(headers, header::HOST).ok_or(Refusal::Host)?;
        // A request in absolute form says it twice, and they must agree.
        if uri.authority().is_some_and(|authority| authority.as_str() != host) || !self.knows(host) {
            return Err(Refusal::Host);
        }
        if !headers.contains_key(header::ORIGIN) {
            // No browser: those always say where a socket was opened from.
            return Ok(());
        }
        let origin = single(headers, header::ORIGIN).ok_or(Refusal::Origin)?;
        let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        if authority == Some(host) { Ok(()) } else { Err(Refusal::Origin) }
    }

    /// Holds the token of the request's address against ours.
    pub(super) fn check_token(&self, uri: &Uri) -> Result<(), Refusal> {
        let Some(Token(token)) = &self.token else { return Ok(()) };
        let pairs = uri.query().unwrap_or_default().split('&');
        let given = pairs.filter_map(|pair| pair.strip_prefix("token=")).next().unwrap_or_default();
        if same(given.as_bytes(), token.as_bytes()) { Ok(()) } else { Err(Refusal::Token) }
    }

    fn knows(&self, host: &str) -> bool {
        let name = without_port(host);
        let ip = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        ip.parse::<IpAddr>().is_ok()
            || name.eq_ignore_ascii_case("localhost")
            || self.host_names.iter().any(|known| known.eq_ignore_ascii_case(name))
    }
}

/// A header that is there once, and is text.
fn single(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    if values.next().is_some() { None } else { first.to_str().ok() }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // The colons within brackets are those of IPv6.
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Takes the same time wherever they differ.
fn same(one: &[u8], other: &[u8]) -> bool {
    let differences = one.iter().zip(other).fold(0, |all, (one, other)| all | (one ^ other));
    one.len() == other.len() && differences == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(access: &Access, pairs: &[(&'static str, &str)]) -> Result<(), Refusal> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        access.check(&"/".parse().unwrap(), &headers)
    }

    #[test]
    fn only_names_that_nobody_can_turn_are_answered_to() {
        let access = Access::new(vec!["desk.local".to_owned()], None);
        for host in [
            "localhost",
            "LocalHost:8080",
            "127.0.0.1:8080",
            "192.168.1.7",
            "[::1]:8080",
            "[::1]",
            "Desk.local:1",
        ] {
            assert_eq!(check(&access, &[("host", host)]), Ok(()), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:8080",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "desk.local.evil.example:8080",
            "user@localhost",
            "127.1:8080",
            "localhost:80:80",
        ] {
            assert_eq!(check(&access, &[("host", host)]), Err(Refusal::Host), "{host}");
        }
        assert_eq!(check(&access, &[]), Err(Refusal::Host));
        assert_eq!(check(&access, &[("host", "localhost"), ("host", "localhost")]), Err(Refusal::Host));
        let headers = HeaderMap::from_iter([(header::HOST, "localhost".parse().unwrap())]);
        let uri = "http://evil.example/".parse().unwrap();
        assert_eq!(access.check(&uri, &headers), Err(Refusal::Host));
    }

    #[test]
    fn a_host_name_is_a_name_alone() {
        for name in ["desk", "desk.local", "my_camera-2.example"] {
            assert!(is_host_name(name), "{name}");
        }
        for other in ["", "http://desk", "desk:8080", "desk/", "user@desk", "*", "de sk"] {
            assert!(!is_host_name(other), "{other}");
        }
    }

    #[test]
    fn only_the_page_itself_may_ask() {
        let access = Access::new(Vec::new(), None);
        let origin = |origin| check(&access, &[("host", "localhost:8080"), ("origin", origin)]);
        assert_eq!(origin("http://localhost:8080"), Ok(()));
        assert_eq!(origin("https://localhost:8080"), Ok(()));
        for other in
            ["null", "", "http://localhost", "http://localhost:8081", "http://evil.example", "localhost:8080"]
        {
            assert_eq!(origin(other), Err(Refusal::Origin), "{other}");
        }
    }

    #[test]
    fn a_token_is_asked_for_where_there_is_one() {
        let access = Access::new(Vec::new(), Some(Token("s3cret".to_owned())));
        let token = |uri: &str| access.check_token(&uri.parse().unwrap());
        assert_eq!(token("/?token=s3cret"), Ok(()));
        assert_eq!(token("/socket?a=b&token=s3cret"), Ok(()));
        for uri in ["/", "/?token=", "/?token=s3cre", "/?token=s3cret1", "/?tokens3cret", "/?xtoken=s3cret"] {
            assert_eq!(token(uri), Err(Refusal::Token), "{uri}");
        }
        assert_eq!(Access::new(Vec::new(), None).check_token(&"/".parse().unwrap()), Ok(()));
        assert!(!format!("{access:?}").contains("s3cret"));
    }
}
