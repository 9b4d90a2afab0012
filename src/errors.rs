//! Errors as operators read them.

use std::fmt;

/// An error with all its causes, in one line.
pub struct Chain<'a>(pub &'a (dyn std::error::Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut next = Some(self.0);
        let mut last = String::new();
        while let Some(error) = next {
            let text = error.to_string();
            // A transparent error repeats its cause's text.
            if text != last {
                if !last.is_empty() {
                    f.write_str(": ")?;
                }
                f.write_str(&text)?;
            }
            last = text;
            next = error.source();
        }
        Ok(())
    }
}
