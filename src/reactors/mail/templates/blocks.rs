//! From the words of a letter to its parts.

/// How wide the plain text is: what leaves room for a mail program to quote it (RFC 3676, 4.2).
const WIDTH: usize = 72;

/// A part of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// A paragraph of ours.
    Paragraph(String),
    /// What somebody else wrote, line by line.
    Quote(Vec<String>),
    /// The words that stand for the link.
    Link(String),
}

/// Takes the words of a letter apart.
pub(super) fn parse(words: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut parted = true;
    for line in words.lines().map(str::trim_end) {
        if line.is_empty() {
            parted = true;
            continue;
        }
        if let Some(quoted) = line.strip_prefix("> ") {
            match blocks.last_mut() {
                Some(Block::Quote(lines)) if !parted => lines.push(quoted.to_owned()),
                _ => blocks.push(Block::Quote(vec![quoted.to_owned()])),
            }
        } else if let Some(words) = line.strip_prefix("[link] ") {
            blocks.push(Block::Link(words.to_owned()));
        } else {
            match blocks.last_mut() {
                Some(Block::Paragraph(text)) if !parted => {
                    text.push(' ');
                    text.push_str(line);
                }
                _ => blocks.push(Block::Paragraph(line.to_owned())),
            }
        }
        parted = false;
    }
    blocks
}

/// Writes the parts as plain text.
pub(super) fn to_text(blocks: &[Block], link: &str) -> String {
    let parts: Vec<String> = blocks
        .iter()
        .map(|block| match block {
            Block::Paragraph(text) => wrapped("", text),
            Block::Quote(lines) => {
                lines.iter().map(|line| wrapped("> ", line)).collect::<Vec<_>>().join("\n")
            }
            // Alone on its line, so that mail programs find its end.
            Block::Link(words) => format!("{}\n{link}", wrapped("", &format!("{words}:"))),
        })
        .collect();
    parts.join("\n\n") + "\n"
}

/// A text in lines that begin with `prefix` and are no wider than [`WIDTH`], unless a single word is.
fn wrapped(prefix: &str, text: &str) -> String {
    let mut out = String::from(prefix);
    let mut column = prefix.chars().count();
    let start = column;
    for word in text.split(' ') {
        let width = word.chars().count();
        if column > start && column + 1 + width > WIDTH {
            out.push('\n');
            out.push_str(prefix);
            column = start;
        } else if column > start {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_taken_apart_and_set() {
        let blocks = parse("\nHello\nTom\n\n\n> a\n> b\n\n> c\n[link] Sign in\nBye\n");
        let paragraph = |text: &str| Block::Paragraph(text.to_owned());
        let quote = |lines: &[&str]| Block::Quote(lines.iter().map(|&line| line.to_owned()).collect());
        assert_eq!(
            blocks,
            [
                paragraph("Hello Tom"),
                quote(&["a", "b"]),
                quote(&["c"]),
                Block::Link("Sign in".to_owned()),
                paragraph("Bye")
            ]
        );
        let text = to_text(&blocks, "https://v.example/");
        assert_eq!(text, "Hello Tom\n\n> a\n> b\n\n> c\n\nSign in:\nhttps://v.example/\n\nBye\n");
    }

    #[test]
    fn lines_are_wrapped_between_words() {
        let text = wrapped("> ", &format!("{} {}", "wörd ".repeat(40).trim_end(), "x".repeat(100)));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.iter().all(|line| line.starts_with("> ")));
        let (last, lines) = lines.split_last().unwrap();
        assert_eq!(*last, format!("> {}", "x".repeat(100)));
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{lines:?}");
        assert!(lines.len() < 4);
    }
}
