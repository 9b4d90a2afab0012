//! The stored form of an event as people can read it.

use vouchsafe_events::Sealed;

/// How many characters of a sealed value are shown.
const SHOWN: usize = 16;

/// The stored form with a line for each field, in the order in which it is stored. Sealed values, which say
/// nothing as they stand, are cut short.
pub(super) fn pretty(stored: &str, sealed: &[Sealed]) -> String {
    let mut text = indent(stored);
    for value in sealed {
        let whole = value.as_base64();
        if let Some(start) = whole.get(..SHOWN) {
            let short = format!("\"{start}… (sealed, {} characters)\"", whole.len());
            text = text.replace(&format!("\"{whole}\""), &short);
        }
    }
    text
}

/// JSON without white space, broken into lines. Nothing but white space is added.
fn indent(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let (mut in_text, mut escaped) = (false, false);
    let mut characters = json.chars().peekable();
    while let Some(c) = characters.next() {
        if in_text {
            in_text = escaped || c != '"';
            escaped = !escaped && c == '\\';
            out.push(c);
            continue;
        }
        match c {
            '{' | '[' => {
                out.push(c);
                if characters.peek().is_some_and(|next| !matches!(next, '}' | ']')) {
                    depth += 1;
                    line(&mut out, depth);
                } else {
                    out.extend(characters.next());
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => {
                in_text = c == '"';
                out.push(c);
            }
        }
    }
    out
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    for _ in 0..depth {
        out.push_str("  ");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_field_has_a_line_and_sealed_values_are_cut_short() {
        let long = "A".repeat(120);
        let stored =
            format!(r#"{{"id":"1","data":{{"kinds":["a","b"],"none":[],"name":"{long}","x":{{}}}}}}"#);
        let shown = pretty(&stored, &[Sealed::from_base64(long)]);
        let expected = r#"{
  "id": "1",
  "data": {
    "kinds": [
      "a",
      "b"
    ],
    "none": [],
    "name": "AAAAAAAAAAAAAAAA… (sealed, 120 characters)",
    "x": {}
  }
}"#;
        assert_eq!(shown, expected);
    }

    proptest! {
        #[test]
        fn what_is_indented_says_the_same(
            texts in proptest::collection::vec("\\PC*", 0..4),
            pairs in proptest::collection::btree_map("[\"\\\\{}\\[\\],: a]*", any::<Option<i64>>(), 0..4),
        ) {
            let value = serde_json::json!({ "texts": texts, "pairs": pairs, "nested": [[], {}, [pairs]] });
            let indented = indent(&value.to_string());
            prop_assert_eq!(&indented, &serde_json::to_string_pretty(&value).unwrap());
        }
    }
}
