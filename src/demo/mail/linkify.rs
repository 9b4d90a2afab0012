//! A mail's plain text as HTML, with its addresses made links.

/// What a link may begin with.
const SCHEMES: [&str; 2] = ["http://", "https://"];

/// The text with all that is special in HTML escaped, and every `http` or `https` address a link.
pub(super) fn linkified(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + text.len() / 4);
    let mut rest = text;
    while let Some(start) = SCHEMES.iter().filter_map(|scheme| rest.find(scheme)).min() {
        let (before, from) = rest.split_at(start);
        escape(before, &mut html);
        let end =
            from.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"')).unwrap_or(from.len());
        let (word, _) = from.split_at(end);
        // What ends a sentence or closes a bracket is not part of the address.
        let address = word.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '\'']);
        html.push_str("<a rel=\"noreferrer\" href=\"");
        escape(address, &mut html);
        html.push_str("\">");
        escape(address, &mut html);
        html.push_str("</a>");
        rest = from.split_at(address.len()).1;
    }
    escape(rest, &mut html);
    html
}

fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_links_and_all_else_is_escaped() {
        assert_eq!(
            linkified("See <b>http://localhost:8080/a?x=1&y=2</b>. Bye"),
            "See &lt;b&gt;<a rel=\"noreferrer\" href=\"http://localhost:8080/a?x=1&amp;y=2\">\
             http://localhost:8080/a?x=1&amp;y=2</a>&lt;/b&gt;. Bye"
        );
        assert_eq!(
            linkified("(https://a.example/x).\nhttp://b.example"),
            "(<a rel=\"noreferrer\" href=\"https://a.example/x\">https://a.example/x</a>).\n\
             <a rel=\"noreferrer\" href=\"http://b.example\">http://b.example</a>"
        );
    }

    #[test]
    fn a_quote_does_not_break_out_of_the_link() {
        let html = linkified("http://x.example/\"onmouseover=alert(1) javascript:alert(1)");
        assert!(!html.contains("/\"onmouseover"), "{html}");
        assert!(!html.contains("href=\"javascript"), "{html}");
    }
}
