//! Passwords in URLs, which are nobody's business who reads a log.

/// What stands in place of a password.
const HIDDEN: &str = "***";

/// The text with the password of each URL in it hidden: `rtsp://user:***@host/`.
///
/// What comes before the host is `user:password@` (RFC 3986, section 3.2.1); a user alone is no secret.
pub(crate) fn without_passwords(text: &str) -> String {
    let mut hidden = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        hidden.push_str(before);
        hidden.push_str("://");
        let authority_len = after.find(['/', '?', '#', ' ', '\'', '"', '\n']).unwrap_or(after.len());
        let (authority, after) = after.split_at(authority_len);
        match authority.rsplit_once('@').and_then(|(user, host)| Some((user.split_once(':')?.0, host))) {
            Some((user, host)) => hidden.extend([user, ":", HIDDEN, "@", host]),
            None => hidden.push_str(authority),
        }
        rest = after;
    }
    hidden.push_str(rest);
    hidden
}

/// Hides the password of one URL wherever it turns up, spaces and quotes in it or not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Secret {
    /// `:password@`.
    text: Option<String>,
}

impl Secret {
    pub(crate) fn of_url(url: &str) -> Self {
        let password = || {
            let (_, after) = url.split_once("://")?;
            let authority = after.split(['/', '?', '#']).next()?;
            let (user, _) = authority.rsplit_once('@')?;
            let (_, password) = user.split_once(':')?;
            Some(format!(":{password}@"))
        };
        Self { text: password() }
    }

    pub(crate) fn hidden_in(&self, text: &str) -> String {
        match &self.text {
            Some(password) => without_passwords(&text.replace(password, &format!(":{HIDDEN}@"))),
            None => without_passwords(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_hidden_and_nothing_else() {
        for (text, expected) in [
            ("rtsp://user:secret@camera:554/1?a=b@c", "rtsp://user:***@camera:554/1?a=b@c"),
            ("rtsp://user:se:cr@et@camera", "rtsp://user:***@camera"),
            ("rtsp://user@camera", "rtsp://user@camera"),
            ("http://camera:8080/user:x@y", "http://camera:8080/user:x@y"),
            ("from 'rtsp://u:p@h/x' to http://a:b@c", "from 'rtsp://u:***@h/x' to http://a:***@c"),
            ("rtsp://:p@h", "rtsp://:***@h"),
            ("a file: b@c", "a file: b@c"),
            ("://", "://"),
        ] {
            assert_eq!(without_passwords(text), expected);
        }
    }

    #[test]
    fn a_password_that_ends_a_url_for_others_is_hidden_too() {
        let secret = Secret::of_url("rtsp://user:my pass'word@camera/1");
        assert_eq!(
            secret.hidden_in("[tcp] cannot reach user:my pass'word@camera"),
            "[tcp] cannot reach user:***@camera"
        );
        assert_eq!(
            secret.hidden_in("rtsp://user:my pass'word@camera/1: refused"),
            "rtsp://user:***@camera/1: refused"
        );
        assert_eq!(Secret::of_url("rtsp://camera/1").hidden_in("a:b@c"), "a:b@c");
    }
}
