//! Long lists, a page at a time.

use url::form_urlencoded::Serializer;

/// The links to a list's other pages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pagination {
    /// Where the page before is.
    pub(super) previous: Option<String>,
    /// Where the next page is.
    pub(super) next: Option<String>,
    /// First, last, and those around the present one.
    pub(super) items: Vec<Item>,
}

/// A link to a page, or what stands for those left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// Pages left out.
    Gap,
    /// A page.
    Page {
        /// Its number, from 1.
        number: usize,
        /// Where it is.
        href: String,
        /// Whether it is the present one.
        current: bool,
    },
}

impl Pagination {
    /// Whether there is more than one page.
    pub(super) fn is_needed(&self) -> bool {
        self.items.len() > 1
    }
}

/// One page of a list.
pub(super) struct Paged<'a, T> {
    /// What is on it.
    pub(super) items: &'a [T],
    /// The others.
    pub(super) pagination: Pagination,
}

/// Cuts a page out of a list. A page that is not there is brought within what is.
pub(super) fn cut<'a, T>(
    list: &'a [T],
    size: usize,
    page: usize,
    path: &str,
    query: &[(&str, &str)],
) -> Paged<'a, T> {
    let size = size.max(1);
    let pages = list.len().div_ceil(size).max(1);
    let page = page.clamp(1, pages);
    let href = |number: usize| {
        let mut serializer = Serializer::new(String::new());
        serializer.extend_pairs(query);
        format!("{path}?{}", serializer.append_pair("page", &number.to_string()).finish())
    };
    let mut items = Vec::new();
    let mut before = 0;
    for number in (1..=pages).filter(|number| *number == 1 || *number == pages || number.abs_diff(page) <= 1)
    {
        if number > before + 1 {
            items.push(Item::Gap);
        }
        before = number;
        items.push(Item::Page { number, href: href(number), current: number == page });
    }
    let previous = (page > 1).then(|| href(page - 1));
    let next = (page < pages).then(|| href(page + 1));
    let on_page = list.chunks(size).nth(page - 1).unwrap_or_default();
    Paged { items: on_page, pagination: Pagination { previous, next, items } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(pagination: &Pagination) -> Vec<Option<usize>> {
        let number = |item: &Item| match item {
            Item::Gap => None,
            Item::Page { number, .. } => Some(*number),
        };
        pagination.items.iter().map(number).collect()
    }

    #[test]
    fn a_short_list_has_one_page() {
        let paged = cut(&[1, 2, 3], 25, 9, "/x", &[]);
        assert_eq!(paged.items, [1, 2, 3]);
        assert!(!paged.pagination.is_needed());
        assert!(cut::<u8>(&[], 25, 1, "/x", &[]).items.is_empty());
    }

    #[test]
    fn a_long_list_is_cut_and_keeps_what_was_searched_for() {
        let list: Vec<usize> = (0..250).collect();
        let paged = cut(&list, 25, 5, "/x", &[("q", "a&b")]);
        assert_eq!(paged.items.first(), Some(&100));
        assert_eq!(numbers(&paged.pagination), [Some(1), None, Some(4), Some(5), Some(6), None, Some(10)]);
        assert_eq!(paged.pagination.previous.as_deref(), Some("/x?q=a%26b&page=4"));
        assert_eq!(paged.pagination.next.as_deref(), Some("/x?q=a%26b&page=6"));
        assert_eq!(cut(&list, 25, 99, "/x", &[]).items.last(), Some(&249));
    }
}
