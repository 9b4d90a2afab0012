//! Every command in a document is one that the product takes.

use clap::Parser;
use clap::error::ErrorKind;
use vouchsafe::cli::Cli;

use super::{code_lines, code_spans, documents};

/// The words of a line as a shell would part them, up to what the shell takes for itself.
fn words(line: &str) -> Vec<String> {
    let (mut found, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in line.chars().chain([' ']) {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '|' | '>' | '<' | '&' | ';' | '#') => break,
            (None, ' ') => {
                if !word.is_empty() {
                    found.push(std::mem::take(&mut word));
                }
            }
            (_, c) => word.push(c),
        }
    }
    found.extend((!word.is_empty()).then_some(word));
    found
}

/// The arguments that a line gives to the product, if it runs it.
fn arguments(line: &str) -> Option<Vec<String>> {
    let words = words(line);
    // The first word, what systemd starts, or what another user runs.
    let runs = |at: usize| {
        let product = match at {
            0 => {
                words[0] == "vouchsafe"
                    || words[0].starts_with("ExecStart=") && words[0].ends_with("/vouchsafe")
            }
            3 => words[0] == "sudo" && words[3] == "vouchsafe",
            _ => false,
        };
        let cargo = at == 2 && words[..3] == ["cargo", "run", "--"];
        (product || cargo) && at + 1 < words.len()
    };
    let at = (0..words.len()).find(|at| runs(*at))?;
    Some(words[at + 1..].to_vec())
}

/// What is wrong with arguments. A command that is named without all that it needs is only spoken of.
fn fault(arguments: &[String]) -> Option<String> {
    let parsed = Cli::try_parse_from(["vouchsafe"].into_iter().chain(arguments.iter().map(String::as_str)));
    let error = parsed.err()?;
    match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        | ErrorKind::MissingSubcommand
        | ErrorKind::MissingRequiredArgument => None,
        _ => Some(error.to_string()),
    }
}

#[test]
fn every_command_in_a_document_is_taken() {
    let mut found = 0;
    for (path, text) in documents() {
        for line in code_spans(&text).into_iter().chain(code_lines(&text)) {
            let Some(arguments) = arguments(&line) else { continue };
            let fault = fault(&arguments);
            assert!(fault.is_none(), "{path}: {line}\n{}", fault.unwrap());
            found += 1;
        }
    }
    assert!(found > 15, "{found}");
}

#[test]
fn a_command_that_is_not_taken_is_found() {
    for wrong in [
        "vouchsafe audits",
        "vouchsafe serve --dry-run",
        "sudo -u vouchsafe vouchsafe staff appoint --as boss a@b.example",
        "ExecStart=/usr/local/bin/vouchsafe replay --from here",
        "cargo run -- demos",
    ] {
        assert!(fault(&arguments(wrong).unwrap()).is_some(), "{wrong}");
    }
    for right in
        ["vouchsafe staff", "vouchsafe replay --type access-granted | jq .event", "cargo run -- demo"]
    {
        assert_eq!(fault(&arguments(right).unwrap()), None, "{right}");
    }
    for other in ["useradd --home-dir /var/lib/vouchsafe vouchsafe", "vouchsafe", "cargo test"] {
        assert_eq!(arguments(other), None, "{other}");
    }
}
