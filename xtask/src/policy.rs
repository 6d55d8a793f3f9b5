//! The page's Content-Security-Policy: read from a `<meta>` of `index.html` and repeated in HTTP headers, because a
//! `<meta>` does not apply to the workers.

use crate::precache::SERVICE_WORKER;
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// Browsers ignore this directive in a `<meta>` (CSP Level 3, 3.3).
const HEADER_ONLY: &str = "; frame-ancestors 'none'";
/// The microphone is for recording clips, by this page alone. The rest is off, as far as browsers name it.
const PERMISSIONS: &str = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), \
    magnetometer=(), microphone=(self), midi=(), payment=(), publickey-credentials-get=(), serial=(), usb=(), \
    xr-spatial-tracking=()";
/// Asked for again at every visit: for files whose names stay.
const REVALIDATED: &str = "no-cache";
/// A year, in seconds: for files whose names change with their content.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// The fewest digits of a hash in a file's name: Trunk writes 16, without zeros in front.
const HASH_DIGITS: usize = 12;

/// A Content-Security-Policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    content: String,
}

impl Policy {
    /// The policy in a page's `<meta>`.
    ///
    /// # Errors
    ///
    /// Returns an error if the page has no policy.
    pub fn from_html(html: &str) -> Result<Self, String> {
        let (_, rest) = html
            .split_once("http-equiv=\"Content-Security-Policy\"")
            .ok_or("index.html has no <meta http-equiv=\"Content-Security-Policy\">")?;
        let content = rest.split_once("content=\"").and_then(|(_, rest)| rest.split_once('"'));
        let (content, _) = content.ok_or("the policy in index.html has no content")?;
        Ok(Self { content: content.split_whitespace().collect::<Vec<_>>().join(" ") })
    }

    /// The policy and the other security headers, by their names in lower case.
    pub fn headers(&self) -> Map<String, Value> {
        let header = |name: &str, value: &str| (name.to_owned(), Value::from(value));
        Map::from_iter([
            header("content-security-policy", &format!("{}{HEADER_ONLY}", self.content)),
            header("permissions-policy", PERMISSIONS),
            header("referrer-policy", "no-referrer"),
            header("x-content-type-options", "nosniff"),
        ])
    }

    /// The file `_headers` that Netlify, Cloudflare Pages and others read. `base` is the site's base path, `paths` are its
    /// files.
    pub fn headers_file<'a>(&self, base: &str, paths: impl IntoIterator<Item = &'a str>) -> String {
        let mut text = format!("{base}*\n");
        for (name, value) in self.headers() {
            let _ = writeln!(text, "  {name}: {}", value.as_str().unwrap_or_default());
        }
        let mut paths: Vec<&str> = paths.into_iter().filter(|path| is_hashed(path)).collect();
        paths.sort_unstable();
        // No rule for all files: hosts join the values of all rules that fit, and limit their number.
        for path in ["", "index.html", SERVICE_WORKER, "model-weights/*"] {
            let _ = write!(text, "{base}{path}\n  cache-control: {REVALIDATED}\n");
        }
        for path in paths {
            let _ = write!(text, "{base}{path}\n  cache-control: {IMMUTABLE}\n");
        }
        text
    }
}

/// True if a file's name contains a hash of its content: `app-1a2b3c4d5e6f7a8b_bg.wasm`.
fn is_hashed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let mut words = name.split(|letter: char| !letter.is_ascii_alphanumeric());
    words.any(|word| word.len() >= HASH_DIGITS && word.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

/// The tags of a page that its policy blocks: inline scripts and styles, and event handlers in attributes.
pub fn blocked_tags(html: &str) -> Vec<&str> {
    let tags = html.split('<').skip(1).filter_map(|rest| rest.split_once('>').map(|(tag, _)| tag));
    let is_blocked = |tag: &&str| {
        let inline = tag.starts_with("style") || (tag.starts_with("script") && !tag.contains(" src="));
        inline || tag.contains(" style=") || tag.contains(" on") && tag.split(" on").skip(1).any(is_handler)
    };
    tags.filter(is_blocked).collect()
}

/// `rest` is the text after ` on` in a tag such as `<p onclick="…">`.
fn is_handler(rest: &str) -> bool {
    rest.split_once('=')
        .is_some_and(|(name, _)| !name.is_empty() && name.bytes().all(|letter| letter.is_ascii_lowercase()))
}

/// The headers that a `_headers` file gives a path of the site, in the order of its rules.
pub fn headers_for(file: &str, path: &str) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    let mut matches = false;
    for line in file.lines() {
        match line.strip_prefix("  ").and_then(|header| header.split_once(": ")) {
            Some((name, value)) if matches => headers.push((name.to_owned(), value.to_owned())),
            Some(_) => {}
            None => matches = line.strip_suffix('*').map_or(line == path, |start| path.starts_with(start)),
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../index.html");

    #[test]
    fn the_page_itself_has_a_policy_that_lets_nothing_in_or_out() {
        let policy = Policy::from_html(PAGE).unwrap();
        let directives: Vec<(&str, &str)> =
            policy.content.split("; ").map(|directive| directive.split_once(' ').unwrap()).collect();
        let allowed = |name: &str| directives.iter().find(|(directive, _)| *directive == name).map(|(_, value)| *value);
        for none in ["default-src", "object-src", "base-uri", "form-action"] {
            assert_eq!(allowed(none), Some("'none'"), "{none}");
        }
        assert_eq!(allowed("connect-src"), Some("'self'"));
        for (name, value) in &directives {
            for source in value.split(' ') {
                // The page plays clips from blobs that it makes itself.
                let is_expected = ["'none'", "'self'"].contains(&source)
                    || (*name, source) == ("script-src", "'wasm-unsafe-eval'")
                    || (*name, source) == ("media-src", "blob:");
                assert!(is_expected, "{name} allows {source}");
            }
        }
        let first = PAGE.split_once("<head>").unwrap().1.trim_start();
        assert!(
            first.starts_with("<meta http-equiv=\"Content-Security-Policy\""),
            "a <meta> policy applies only to what follows it"
        );
        assert_eq!(blocked_tags(PAGE), [""; 0]);
    }

    #[test]
    fn a_policy_may_span_lines() {
        let html = "<meta http-equiv=\"Content-Security-Policy\"\n content=\"default-src 'none';\n  img-src 'self'\">";
        assert_eq!(Policy::from_html(html).unwrap().content, "default-src 'none'; img-src 'self'");
        assert!(Policy::from_html("<html>").is_err());
    }

    #[test]
    fn blocked_tags_are_found() {
        let html = "<script>go()</script><script type=\"module\">x</script><script src=\"a.js\"></script>\
                    <p style=\"color: red\">on and on = off</p><b onclick=\"go()\"><i class=\"on\"><style>a{}</style>";
        let found = blocked_tags(html);
        assert_eq!(
            found,
            ["script", "script type=\"module\"", "p style=\"color: red\"", "b onclick=\"go()\"", "style"]
        );
    }

    #[test]
    fn headers_apply_to_the_paths_of_their_rule() {
        let policy = Policy { content: "default-src 'none'".into() };
        let paths = ["app-1a2b3c4d5e6f7a8b_bg.wasm", "cpu_worker_bg-1a2b3c4d5e6f7a8b.wasm", "index.html"];
        let file = policy.headers_file("/x/", paths);
        let header_of = |path: &str, name: &str| {
            headers_for(&file, path).into_iter().filter(|(header, _)| header == name).map(|(_, value)| value).next()
        };
        let content = Some("default-src 'none'; frame-ancestors 'none'".to_owned());
        assert_eq!(header_of("/x/", "content-security-policy"), content);
        assert_eq!(header_of("/x/cpu_worker.js", "content-security-policy"), content);
        assert_eq!(header_of("/", "content-security-policy"), None);
        assert_eq!(header_of("/x/app-1a2b3c4d5e6f7a8b_bg.wasm", "cache-control"), Some(IMMUTABLE.to_owned()));
        assert_eq!(header_of("/x/cpu_worker_bg-1a2b3c4d5e6f7a8b.wasm", "cache-control"), Some(IMMUTABLE.to_owned()));
        for stays in ["", "index.html", "service-worker.js", "model-weights/networks.json", "model-weights/a.json"] {
            assert_eq!(header_of(&format!("/x/{stays}"), "cache-control"), Some(REVALIDATED.to_owned()), "{stays}");
        }
        assert_eq!(header_of("/x/index.html", "permissions-policy"), Some(PERMISSIONS.to_owned()));
    }

    #[test]
    fn names_with_a_hash_are_recognised() {
        assert!(is_hashed("style-0123456789abcdef.css") && is_hashed("a/icon-0123456789abcdef.svg"));
        assert!(!is_hashed("style-0123.css") && !is_hashed("model-weights/0123456789abcdeg.json"));
    }
}
