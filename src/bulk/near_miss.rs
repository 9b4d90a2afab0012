//! Slips of the keyboard in domains.

/// Domains that very many people have their mail at, and the department's own.
const COMMON: [&str; 19] = [
    "gmail.com",
    "googlemail.com",
    "hotmail.com",
    "hotmail.co.uk",
    "outlook.com",
    "live.com",
    "live.co.uk",
    "msn.com",
    "yahoo.com",
    "yahoo.co.uk",
    "icloud.com",
    "me.com",
    "aol.com",
    "btinternet.com",
    "sky.com",
    "talktalk.net",
    "virginmedia.com",
    "protonmail.com",
    "education.gov.uk",
];

/// Domains that are one slip away from a common one and are real.
const REAL: [&str; 8] =
    ["mail.com", "gmx.com", "ymail.com", "email.com", "aim.com", "ml.com", "yahoo.co.in", "mac.com"];

/// Endings that the same providers have in other countries.
const REAL_ENDINGS: [&str; 12] =
    [".co.nz", ".co.za", ".co.jp", ".co.in", ".ch", ".fr", ".de", ".es", ".it", ".ie", ".nl", ".com.au"];

/// Shorter domains than this are too near to each other.
const SHORTEST: usize = 7;

/// The domain that was probably meant: a common one, or one that the list has already, from which this one differs
/// by a slip (a letter too many, too few, another, or two changed about), or by two if it is long.
pub fn near_miss(domain: &str, own: &[String]) -> Option<String> {
    let is_real = |ending: &&str| domain.ends_with(*ending);
    if COMMON.contains(&domain) || REAL.contains(&domain) || REAL_ENDINGS.iter().any(is_real) {
        return None;
    }
    let slips = |known: &str| if known.len() >= 12 { 2 } else { 1 };
    let nearest = |known: &mut dyn Iterator<Item = &str>| {
        known
            .filter(|known| known.len() >= SHORTEST)
            .map(|known| (strsim::osa_distance(domain, known), known))
            .filter(|(distance, known)| *distance <= slips(known))
            .min()
            .map(|(_, known)| known.to_owned())
    };
    // A slip that was made twice is still one, so the list's own domains count after the common ones.
    if let Some(meant) = nearest(&mut COMMON.iter().copied()) {
        return Some(meant);
    }
    if own.iter().any(|known| known == domain) {
        return None;
    }
    nearest(&mut own.iter().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_found() {
        for (typed, meant) in [
            ("gmial.com", "gmail.com"),
            ("gmail.co", "gmail.com"),
            ("hotmial.co.uk", "hotmail.co.uk"),
            ("outlok.com", "outlook.com"),
            ("education.gov.ku", "education.gov.uk"),
            ("yaho.co.uk", "yahoo.co.uk"),
            ("btinternt.cmo", "btinternet.com"),
        ] {
            assert_eq!(near_miss(typed, &[]).as_deref(), Some(meant), "{typed}");
        }
        let twice = ["gmial.com".to_owned()];
        assert_eq!(near_miss("gmial.com", &twice).as_deref(), Some("gmail.com"));
        let own = ["northern-training.example".to_owned()];
        assert_eq!(near_miss("northen-training.example", &own).as_deref(), Some("northern-training.example"));
    }

    #[test]
    fn a_real_domain_is_none() {
        for real in [
            "gmail.com",
            "hotmail.co.nz",
            "protonmail.ch",
            "uel.ac.uk",
            "mail.com",
            "gmx.com",
            "live.com",
            "me.com",
            "school.example",
            "sky.com",
            "mac.com",
        ] {
            assert_eq!(near_miss(real, &["northern.example".to_owned()]), None, "{real}");
        }
        // Two of the list's own that are alike are both real.
        let own = ["northern.example".to_owned(), "northerm.example".to_owned()];
        assert_eq!(near_miss("northerm.example", &own), None);
    }
}
