//! The page, which is part of the program.

use bytes::Bytes;

/// A file of the page.
pub(super) struct File {
    pub(super) media_type: &'static str,
    pub(super) content: Bytes,
}

/// All that a page of this program may load, and from where: from here.
pub(super) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page itself.
pub(super) fn index(title: &str, takes_data: bool) -> File {
    let html = include_str!("page/index.html")
        .replace("{title}", &escaped(title))
        .replace("{takes-data}", if takes_data { "yes" } else { "no" });
    File { media_type: "text/html; charset=utf-8", content: html.into() }
}

/// What it loads, by its path.
pub(super) fn file(path: &str) -> Option<File> {
    let (media_type, content) = match path {
        "/page.css" => ("text/css; charset=utf-8", include_str!("page/page.css")),
        "/page.js" => ("text/javascript; charset=utf-8", include_str!("page/page.js")),
        "/box.js" => ("text/javascript; charset=utf-8", include_str!("page/box.js")),
        "/plot.js" => ("text/javascript; charset=utf-8", include_str!("page/plot.js")),
        _ => return None,
    };
    Some(File { media_type, content: Bytes::from_static(content.as_bytes()) })
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_text_and_nothing_else() {
        let page = index("<script>\"&", true);
        let html = std::str::from_utf8(&page.content).unwrap();
        assert!(html.contains("&lt;script&gt;&quot;&amp;") && !html.contains("{t"), "{html}");
    }

    #[test]
    fn the_page_loads_nothing_but_what_is_here() {
        let page = index("x", true);
        let html = std::str::from_utf8(&page.content).unwrap();
        let references = html.split(['"', '\'']).filter(|text| text.starts_with('/') || text.contains("//"));
        for reference in references {
            assert!(file(reference).is_some(), "{reference}");
        }
        assert!(!html.contains(" style=") && !html.contains("<style"), "the policy forbids it");
        let is_handler =
            |rest: &str| rest.trim_start_matches(|letter: char| letter.is_ascii_lowercase()).starts_with('=');
        assert!(!html.split(" on").skip(1).any(is_handler), "the policy forbids it");
    }
}
