//! Texts from outside, made fit to stand in a mail.

use std::fmt;

/// A text on one line that can forge nothing: no line break, no control character, and no character that
/// turns the direction of what stands around it or cannot be seen.
///
/// It is what any name or date is before it stands in a header or a sentence, so that a header cannot be
/// added to or a sentence ended by a name.
#[derive(Clone, PartialEq, Eq)]
pub struct Line(String);

impl Line {
    /// Takes a text. White space and control characters, however many together, become one space; characters
    /// for direction and format go, all but the joiner that emoji and some scripts need. What is longer than
    /// 200 characters is cut.
    pub fn new(text: &str) -> Self {
        let seen: String = text
            .chars()
            .filter(|c| !is_unseen(*c))
            .map(|c| if c.is_control() || c.is_whitespace() { ' ' } else { c })
            .collect();
        let mut line = String::with_capacity(seen.len());
        for word in seen.split(' ').filter(|word| !word.is_empty()) {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        Self(shortened(&line, 200))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, cut to at most `length` characters.
    pub(super) fn within(&self, length: usize) -> String {
        shortened(&self.0, length)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// May hold a name: not printed by accident.
impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[line]")
    }
}

/// What somebody wrote, in as many lines as they wrote it: each as harmless as a [`Line`].
#[derive(Clone, PartialEq, Eq)]
pub struct Paragraphs(Vec<Line>);

impl Paragraphs {
    /// Takes a text. Empty lines go.
    pub fn new(text: &str) -> Self {
        let lines = text.split(['\n', '\r', '\u{2028}', '\u{2029}']).flat_map(pieces);
        Self(lines.filter(|line| !line.as_str().is_empty()).collect())
    }

    /// The lines.
    pub fn lines(&self) -> &[Line] {
        &self.0
    }
}

impl fmt::Debug for Paragraphs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[paragraphs]")
    }
}

/// A line in pieces that are short enough not to be cut.
fn pieces(line: &str) -> Vec<Line> {
    let mut pieces = vec![String::new()];
    let mut length = 0;
    for word in line.split_whitespace() {
        let more = word.chars().count() + 1;
        if length + more > 190 {
            pieces.push(String::new());
            length = 0;
        }
        if let Some(piece) = pieces.last_mut() {
            piece.push_str(word);
            piece.push(' ');
        }
        length += more;
    }
    pieces.iter().map(|piece| Line::new(piece)).collect()
}

/// Whether a character only changes how others are shown: the format characters of Unicode that turn the
/// direction, stand for nothing, or carry hidden text.
const fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// The text in at most `length` characters, cut between words where there is one to cut at, and marked.
pub(super) fn shortened(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }
    let cut: String = text.chars().take(length.saturating_sub(1)).collect();
    let whole = match cut.rsplit_once(' ') {
        Some((whole, _)) if whole.chars().count() * 2 > length => whole,
        _ => &cut,
    };
    format!("{}\u{2026}", whole.trim_end())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_could_forge_is_taken_out_and_the_rest_is_left() {
        for (text, line) in [
            ("Tom\r\nBcc: x@y.example", "Tom Bcc: x@y.example"),
            ("  Tom \t\u{0}\u{85}\u{2028} Ellis\n", "Tom Ellis"),
            ("Tom \u{202e}sillE\u{202c}", "Tom sillE"),
            ("عمر الفاروق", "عمر الفاروق"),
            ("Ann 👩\u{200d}🏫 O’Neill-Łuc", "Ann 👩\u{200d}🏫 O’Neill-Łuc"),
            ("<b>Tom</b>", "<b>Tom</b>"),
            ("\u{200b}\u{feff} \r\n", ""),
        ] {
            assert_eq!(Line::new(text).as_str(), line, "{text:?}");
        }
        assert_eq!(format!("{:?} {:?}", Line::new("Tom"), Paragraphs::new("Tom")), "[line] [paragraphs]");
    }

    #[test]
    fn a_long_text_is_cut_between_words_and_marked() {
        assert_eq!(shortened("one two three", 13), "one two three");
        assert_eq!(shortened("one two three", 12), "one two\u{2026}");
        assert_eq!(shortened(&"é".repeat(20), 10), format!("{}\u{2026}", "é".repeat(9)));
        assert_eq!(
            Line::new(&"long ".repeat(100)).as_str(),
            format!("{}\u{2026}", "long ".repeat(39).trim_end())
        );
    }

    #[test]
    fn paragraphs_keep_all_that_was_written() {
        let text = format!("I teach maths.\r\n\r\n{}\n> end", "word ".repeat(100));
        let lines = Paragraphs::new(&text);
        let words: Vec<&str> = lines.lines().iter().flat_map(|line| line.as_str().split(' ')).collect();
        assert_eq!(words, text.split_whitespace().collect::<Vec<_>>());
        assert_eq!(lines.lines()[0].as_str(), "I teach maths.");
    }

    proptest! {
        #[test]
        fn a_line_is_one_line(text: String) {
            let line = Line::new(&text);
            prop_assert!(!line.as_str().contains(char::is_control));
            prop_assert!(line.as_str().chars().count() <= 200);
            prop_assert_eq!(Line::new(line.as_str()), line);
            for line in Paragraphs::new(&text).lines() {
                prop_assert!(!line.as_str().contains(char::is_control));
            }
        }
    }
}
