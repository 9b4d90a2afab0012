//! Prometheus' text form, read strictly: what is not of the form is a failure.

use std::collections::{BTreeMap, BTreeSet};

/// One value of a metric.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

/// All values of one metric, with what is said of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Family {
    pub(crate) kind: String,
    pub(crate) help: String,
    pub(crate) samples: Vec<Sample>,
}

/// All that was exposed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exposed(pub(crate) BTreeMap<String, Family>);

impl Exposed {
    /// Reads a text. A family must be described before its samples, all of which stand together, each once.
    pub(crate) fn read(text: &str) -> Self {
        assert!(text.ends_with('\n'));
        let mut found: BTreeMap<String, Family> = BTreeMap::new();
        let mut at = String::new();
        let mut seen = BTreeSet::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(rest) = line.strip_prefix("# ") {
                let (what, rest) = rest.split_once(' ').unwrap();
                let (name, said) = rest.split_once(' ').unwrap();
                if name != at {
                    assert!(!found.contains_key(name), "{name} is in two places");
                    name.clone_into(&mut at);
                }
                let family = found.entry(name.to_owned()).or_default();
                let part = match what {
                    "HELP" => &mut family.help,
                    "TYPE" => &mut family.kind,
                    other => panic!("{other} in {line}"),
                };
                assert!(part.is_empty() && family.samples.is_empty(), "{line}");
                said.clone_into(part);
            } else {
                let sample = sample(line);
                let base =
                    ["_bucket", "_sum", "_count"].iter().find_map(|part| sample.name.strip_suffix(part));
                let family = found.get_mut(&at).unwrap_or_else(|| panic!("{line} is not described"));
                let its = sample.name == at || (family.kind == "histogram" && base == Some(at.as_str()));
                assert!(its, "{line} stands with {at}");
                assert!(
                    seen.insert(line.rsplit_once(' ').unwrap().0.to_owned()),
                    "{line} stands there twice"
                );
                family.samples.push(sample);
            }
        }
        Self(found)
    }

    /// The sum of a metric's values with these labels; 0 if there is none.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let of = |sample: &&Sample| {
            sample.name == name
                && labels
                    .iter()
                    .all(|(label, value)| sample.labels.get(*label).is_some_and(|found| found == value))
        };
        self.0.values().flat_map(|family| &family.samples).filter(of).map(|sample| sample.value).sum()
    }
}

fn sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) = match series.split_once('{') {
        Some((name, rest)) => (name, read_labels(rest.strip_suffix('}').unwrap())),
        None => (series, BTreeMap::new()),
    };
    assert!(is_name(name), "{line}");
    let value = match value {
        "+Inf" => f64::INFINITY,
        value => value.parse().unwrap_or_else(|_| panic!("{line}")),
    };
    Sample { name: name.to_owned(), labels, value }
}

/// `a="b",c="d"`, where a value may hold anything, escaped.
fn read_labels(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (name, after) = rest.split_once("=\"").unwrap();
        assert!(is_name(name) && !name.contains(':'), "{text}");
        let mut value = String::new();
        let mut signs = after.char_indices();
        let end = loop {
            match signs.next().unwrap() {
                (_, '\\') => value.push(signs.next().unwrap().1),
                (end, '"') => break end,
                (_, sign) => value.push(sign),
            }
        };
        assert!(found.insert(name.to_owned(), value).is_none(), "{text}");
        rest = &after[end + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    found
}

/// Whether a text can name a metric.
pub(crate) fn is_name(text: &str) -> bool {
    let first = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '_' | ':'));
    first && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':'))
}

#[test]
fn the_form_is_read_strictly() {
    let good = "# HELP a A.\n# TYPE a counter\na{b=\"x\\\"y,z\",c=\"\"} 2\na{b=\"\",c=\"\"} 3\n\n# HELP h H.\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 0.5\nh_count 1\n";
    let read = Exposed::read(good);
    assert_eq!((read.sum("a", &[]), read.sum("a", &[("b", "x\"y,z")])), (5.0, 2.0));
    assert_eq!(read.0["h"].kind, "histogram");
    for wrong in [
        "a 1\n",
        "# HELP a A.\n# TYPE a counter\nb 1\n",
        "# HELP a A.\n# TYPE a counter\na 1\na 1\n",
        "# HELP a A.\n# TYPE a counter\na one\n",
        "# HELP a A.\n# TYPE a gauge\na_sum 1\n",
        "# HELP a A.\n# TYPE a gauge\na{1=\"x\"} 1\n",
    ] {
        assert!(std::panic::catch_unwind(|| Exposed::read(wrong)).is_err(), "{wrong}");
    }
}
