//! Bars, drawn as SVG: no script and no style of their own, so that the page's content policy can stay strict.

use std::fmt::Write;

/// How wide a plot is, in its own units.
const WIDTH: usize = 960;
/// How high it is.
const HEIGHT: usize = 320;
/// Room for the numbers at the left.
const LEFT: usize = 56;
/// Room for the labels below.
const BELOW: usize = 40;
/// Room above the highest bar.
const ABOVE: usize = 16;
/// At most this many labels stand below the bars.
const MOST_LABELS: usize = 8;

/// Blue and orange of the GOV.UK palette: told apart by people who see colours otherwise, and by their lightness.
const COLOURS: [&str; 2] = ["#1d70b8", "#f47738"];

/// One bar: its label, and the amounts that stand on each other in it.
pub(crate) struct Bar {
    /// What it is of.
    pub(crate) label: String,
    /// The lower amount and the upper one.
    pub(crate) amounts: [usize; 2],
}

/// Draws bars. `title` says what they show: the picture's name for whoever cannot see it, to whom the page gives the
/// same numbers in a table.
pub(crate) fn bars(title: &str, bars: &[Bar]) -> String {
    let most = bars.iter().map(|bar| bar.amounts.iter().sum::<usize>()).max().unwrap_or(0);
    let top = round_up(most.max(1));
    let (plot_width, plot_height) = (WIDTH - LEFT, HEIGHT - BELOW - ABOVE);
    let floor = HEIGHT - BELOW;
    let mut svg = String::new();
    let title = escaped(title);
    // Writing to a text cannot fail.
    let _ = write!(
        svg,
        r#"<svg class="app-plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}"><title>{title}</title>"#
    );
    for quarter in 0..=2 {
        let y = floor - plot_height * quarter / 2;
        let value = top * quarter / 2;
        let _ = write!(
            svg,
            r##"<line x1="{LEFT}" y1="{y}" x2="{WIDTH}" y2="{y}" stroke="#b1b4b6"/><text x="{}" y="{}" text-anchor="end" font-size="18" fill="#0b0c0c">{value}</text>"##,
            LEFT - 8,
            y + 6
        );
    }
    let every = bars.len().div_ceil(MOST_LABELS).max(1);
    for (at, bar) in bars.iter().enumerate() {
        let (from, to) = (LEFT + plot_width * at / bars.len(), LEFT + plot_width * (at + 1) / bars.len());
        let gap = (to - from) / 6;
        let (x, width) = (from + gap, (to - from).saturating_sub(2 * gap).max(1));
        let mut y = floor;
        for (amount, colour) in bar.amounts.iter().zip(COLOURS) {
            let height = plot_height * amount / top;
            y -= height;
            if height > 0 {
                let _ = write!(
                    svg,
                    r#"<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{colour}"/>"#
                );
            }
        }
        if at % every == 0 {
            let (middle, below) = (usize::midpoint(from, to), floor + 26);
            let label = escaped(&bar.label);
            let _ = write!(
                svg,
                r##"<text x="{middle}" y="{below}" text-anchor="middle" font-size="18" fill="#0b0c0c">{label}</text>"##
            );
        }
    }
    svg.push_str("</svg>");
    svg
}

/// The next number that reads well on an axis and can be halved: 2, 4, 6, 10, 20, 40, 60, 100 and so on.
fn round_up(most: usize) -> usize {
    let mut scale = 1_usize;
    loop {
        for step in [2, 4, 6, 10] {
            if most <= step * scale {
                return step * scale;
            }
        }
        scale = scale.saturating_mul(10);
    }
}

/// What may stand in SVG text.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(label: &str, amounts: [usize; 2]) -> Bar {
        Bar { label: label.to_owned(), amounts }
    }

    #[test]
    fn bars_stand_on_each_other_and_on_the_floor() {
        let svg = bars("Two", &[bar("a", [1, 1]), bar("b", [0, 2])]);
        assert_eq!(svg.matches("<rect").count(), 3);
        assert!(svg.contains(r##"y="148" width="302" height="132" fill="#1d70b8""##), "{svg}");
        assert!(svg.contains(r##"y="16" width="302" height="132" fill="#f47738""##), "{svg}");
        assert!(svg.contains(r##"y="16" width="302" height="264" fill="#f47738""##), "{svg}");
    }

    #[test]
    fn nothing_and_much_are_drawn_too() {
        assert!(bars("None", &[]).ends_with("</svg>"));
        let many: Vec<Bar> = (0..60).map(|at| bar("x", [at, 1_000_000])).collect();
        let svg = bars("Many", &many);
        assert_eq!(svg.matches("text-anchor=\"middle\"").count(), 8);
        assert!(!svg.contains("style"));
    }

    #[test]
    fn an_axis_ends_at_a_number_that_reads_well() {
        for (most, top) in
            [(1, 2), (2, 2), (3, 4), (5, 6), (7, 10), (11, 20), (59, 60), (61, 100), (101, 200)]
        {
            assert_eq!(round_up(most), top);
        }
    }

    #[test]
    fn text_cannot_become_markup() {
        let svg = bars("<script>\"&", &[bar("</svg>", [1, 0])]);
        assert!(!svg.contains("<script") && svg.matches("</svg>").count() == 1);
    }
}
