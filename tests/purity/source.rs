//! Reads Rust source for the paths that it names. It knows as much of the language as that takes: comments,
//! texts, what is compiled for tests only, and trees of `use`.

/// What a file of source names.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// Every path outside tests, with the line that it stands on: `std::fs::read` is one of three names.
    pub(crate) paths: Vec<(usize, Vec<String>)>,
    /// The modules that it declares as files of their own, outside tests.
    pub(crate) modules: Vec<String>,
}

/// A name or a sign, and its line.
type Token = (usize, String);

/// Reads a file's text.
pub(crate) fn read(text: &str) -> Source {
    let tokens = without_tests(&tokens(text));
    let mut source = Source::default();
    let mut at = 0;
    while let Some((line, word)) = tokens.get(at) {
        let is = |offset: usize, sign: &str| tokens.get(at + offset).is_some_and(|(_, word)| word == sign);
        if word == "use" {
            let end = find(&tokens, at, ";");
            let mut rest = tokens.get(at + 1..end).unwrap_or_default();
            tree(&mut rest, &[], &mut source.paths);
            at = end;
        } else if word == "mod" && is(2, ";") {
            source.modules.extend(tokens.get(at + 1).map(|(_, name)| name.clone()));
            at += 2;
        } else if is_name(word) {
            let mut path = vec![word.clone()];
            while tokens.get(at + 1).is_some_and(|(_, word)| word == "::")
                && let Some((_, next)) = tokens.get(at + 2).filter(|(_, word)| is_name(word))
            {
                path.push(next.clone());
                at += 2;
            }
            source.paths.push((*line, path));
        }
        at += 1;
    }
    source
}

fn find(tokens: &[Token], from: usize, sign: &str) -> usize {
    let found = tokens.iter().skip(from).position(|(_, word)| word == sign);
    found.map_or(tokens.len(), |offset| from + offset)
}

fn is_name(word: &str) -> bool {
    word.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Takes one tree of `use` apart into whole paths.
fn tree(tokens: &mut &[Token], before: &[String], paths: &mut Vec<(usize, Vec<String>)>) {
    let mut path = before.to_vec();
    let mut line = 0;
    while let Some(((at, word), rest)) = tokens.split_first() {
        match word.as_str() {
            "," | "}" => break,
            "{" => {
                *tokens = rest;
                while tokens.first().is_some_and(|(_, word)| word != "}") {
                    tree(tokens, &path, paths);
                    if tokens.first().is_some_and(|(_, word)| word == ",") {
                        *tokens = tokens.get(1..).unwrap_or_default();
                    }
                }
                *tokens = tokens.get(1..).unwrap_or_default();
                return;
            }
            // The other name of what is imported is ours.
            "as" => *tokens = rest.get(1..).unwrap_or_default(),
            _ => {
                if is_name(word) {
                    path.push(word.clone());
                }
                line = *at;
                *tokens = rest;
            }
        }
    }
    paths.push((line, path));
}

/// Leaves out what `#[cfg(test)]` stands before: up to the end of its braces, or to its semicolon.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    const TEST: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let here = tokens.iter().skip(at).map(|(_, word)| word.as_str());
        if !here.take(TEST.len()).eq(TEST) {
            kept.push(token.clone());
            at += 1;
            continue;
        }
        at += TEST.len();
        let mut depth = 0_usize;
        while let Some((_, word)) = tokens.get(at) {
            at += 1;
            match word.as_str() {
                "{" => depth += 1,
                "}" if depth <= 1 => break,
                "}" => depth -= 1,
                ";" if depth == 0 => break,
                _ => {}
            }
        }
    }
    kept
}

/// Names and signs, without comments, texts and white space.
fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let (mut rest, mut line) = (text, 1);
    while let Some(first) = rest.chars().next() {
        let (word, length) = next(rest, first);
        let (taken, after) = rest.split_at(length.min(rest.len()));
        if word {
            found.push((line, taken.trim_start_matches("r#").to_owned()));
        }
        line += taken.matches('\n').count();
        rest = after;
    }
    found
}

/// How long what stands first is, and whether it says anything.
fn next(rest: &str, first: char) -> (bool, usize) {
    let whole = rest.len();
    let name = |text: &str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    if rest.starts_with("//") {
        return (false, rest.find('\n').unwrap_or(whole));
    }
    if rest.starts_with("/*") {
        return (false, comment(rest));
    }
    if let Some(length) = raw_text(rest) {
        return (false, length);
    }
    if rest.starts_with("r#") {
        return (true, 2 + name(rest.get(2..).unwrap_or_default()));
    }
    if first == '"' || rest.starts_with("b\"") || rest.starts_with("c\"") {
        return (false, quoted(rest, '"'));
    }
    if first == '\'' {
        // A lifetime has no second quote right after its first sign.
        let mut after = rest.chars().skip(1);
        let character = after.next() == Some('\\') || after.next() == Some('\'');
        return (false, if character { quoted(rest, '\'') } else { 1 });
    }
    if is_name(rest.get(..first.len_utf8()).unwrap_or_default()) {
        return (true, name(rest));
    }
    if rest.starts_with("::") {
        return (true, 2);
    }
    (!first.is_whitespace() && !first.is_ascii_digit(), first.len_utf8())
}

/// The length of a comment between signs, with those inside it.
fn comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(here) = rest.get(at..).filter(|here| !here.is_empty()) {
        if here.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += here.chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// The length of a raw text, if one stands first.
fn raw_text(rest: &str) -> Option<usize> {
    let body = ["r", "br", "cr"].iter().find_map(|start| {
        let body = rest.strip_prefix(start)?;
        body.trim_start_matches('#').starts_with('"').then_some(body)
    })?;
    let marks = body.len() - body.trim_start_matches('#').len();
    let end = format!("\"{}", "#".repeat(marks));
    let from = rest.len() - body.len() + marks + 1;
    let length = rest.get(from..)?.find(&end);
    Some(length.map_or(rest.len(), |length| from + length + end.len()))
}

/// The length of a text or a character between quotes.
fn quoted(rest: &str, quote: char) -> usize {
    let (mut inside, mut escaped) = (false, false);
    for (at, character) in rest.char_indices() {
        if escaped {
            escaped = false;
        } else if character == '\\' {
            escaped = true;
        } else if character == quote && !std::mem::replace(&mut inside, true) {
            // The first quote opens.
        } else if character == quote {
            return at + quote.len_utf8();
        }
    }
    rest.len()
}
