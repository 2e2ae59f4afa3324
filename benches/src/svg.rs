//! Figures as drawings: panels of bars, with a whisker from the least to the most.
//!
//! Text stays text, and the colours are those of whoever looks: light or dark.

use std::fmt::Write as _;

use crate::{
    Spread,
    cell::Size,
    contender::{OURS, RAW, RAW_BUFFERED, RAW_IN_LOCK_STEP},
    measure::{Measured, Row},
    resizing,
};

/// Panels in a row.
const COLUMNS: usize = 3;
/// For the bars' names, where none is long; a letter of the longest takes so much.
const NAMES: f64 = 150.0;
const LETTER: f64 = 6.0;
/// Between a name and its bar.
const SPACE: f64 = 6.0;
/// How long the longest bar is, and what its figure and the next panel's distance take.
const LONGEST: f64 = 170.0;
const FIGURE: f64 = 80.0;
const TITLE: f64 = 40.0;
const BAR: f64 = 18.0;
const GAP: f64 = 22.0;

/// A bar for each of a few, which have one scale.
struct Panel {
    title: String,
    subtitle: String,
    bars: Vec<Bar>,
}

struct Bar {
    name: String,
    /// What decides its colour.
    class: &'static str,
    /// `None` if it failed.
    figure: Option<Spread>,
}

/// The rates of each contender in each exchange.
pub fn of_transport(measured: &[Measured]) -> String {
    let bar = |row: &Row| Bar {
        name: row.title.to_owned(),
        class: match row.contender {
            OURS => "ours",
            RAW | RAW_BUFFERED | RAW_IN_LOCK_STEP => "limit",
            _ => "theirs",
        },
        figure: row.failed.is_none().then(|| row.fps()),
    };
    let panel = |measured: &Measured| {
        let [size, returned, carrier, pattern, flow] = measured.cell.words();
        Panel {
            title: format!("{size}, {returned} back"),
            subtitle: format!("{carrier}, {pattern}, {flow}"),
            bars: measured.rows.iter().map(bar).collect(),
        }
    };
    draw("Frames a second", &measured.iter().map(panel).collect::<Vec<_>>())
}

/// The times of each library with each filter, for 1080p BGR and 30 % off.
pub fn of_resizing(measured: &[resizing::Measured]) -> String {
    let is_drawn = |of: &&resizing::Measured| {
        let resizing::Reduction { size, pixels, percent, .. } = of.reduction;
        (size, pixels, percent) == (Size::HD, resizing::Pixels::Bgr, 30)
    };
    let bar = |row: &resizing::Row| Bar {
        name: match row.threads {
            1 => row.library.title().to_owned(),
            threads => format!("{}, {threads} threads", row.library.title()),
        },
        class: if row.library == resizing::Library::Netgear { "ours" } else { "theirs" },
        figure: row.failed.is_none().then(|| row.ms()),
    };
    let panel = |of: &resizing::Measured| Panel {
        title: of.reduction.filter.to_string(),
        subtitle: format!(
            "{}, {}, {} % off",
            of.reduction.size.name,
            of.reduction.pixels.name(),
            of.reduction.percent
        ),
        bars: of.rows.iter().map(bar).collect(),
    };
    draw("Milliseconds for a frame", &measured.iter().filter(is_drawn).map(panel).collect::<Vec<_>>())
}

/// Draws these panels, three in a row.
fn draw(title: &str, panels: &[Panel]) -> String {
    let letters = panels.iter().flat_map(|panel| &panel.bars).map(|bar| bar.name.chars().count()).max();
    let names = (letters.unwrap_or(0) as f64 * LETTER + SPACE).max(NAMES);
    let panel_width = names + LONGEST + FIGURE;
    let mut body = String::new();
    let mut top = 30.0;
    for row in panels.chunks(COLUMNS) {
        for (column, of_column) in row.iter().enumerate() {
            let left = column as f64 * panel_width;
            let _ = writeln!(body, r#"<g transform="translate({left:.0} {top:.0})">"#);
            panel(&mut body, of_column, names);
            body += "</g>\n";
        }
        let bars = row.iter().map(|panel| panel.bars.len()).max().unwrap_or(0);
        top += TITLE + bars as f64 * BAR + GAP;
    }
    let width = COLUMNS as f64 * panel_width;
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0} {top:.0}" font-family="system-ui, sans-serif" font-size="12">
<title>{title}</title>
<style>
text {{ fill: #24292f }}
.title {{ font-weight: 600 }}
.quiet {{ fill: #57606a }}
.theirs {{ fill: #a8b1bb }}
.limit {{ fill: #6e7781 }}
.ours {{ fill: #0969da }}
.whisker {{ stroke: #24292f; fill: none }}
@media (prefers-color-scheme: dark) {{
text {{ fill: #e6edf3 }}
.quiet {{ fill: #9198a1 }}
.theirs {{ fill: #57606a }}
.limit {{ fill: #8b949e }}
.ours {{ fill: #4493f8 }}
.whisker {{ stroke: #e6edf3 }}
}}
</style>
<text x="0" y="14" class="quiet">{title}: the median of the rounds, and from the least to the most. Each panel has its own scale.</text>
{body}</svg>
"#
    )
}

/// The bars begin behind `names`.
fn panel(body: &mut String, panel: &Panel, names: f64) {
    let _ = writeln!(body, r#"<text x="0" y="12" class="title">{}</text>"#, escaped(&panel.title));
    let _ = writeln!(body, r#"<text x="0" y="28" class="quiet">{}</text>"#, escaped(&panel.subtitle));
    let most = panel.bars.iter().filter_map(|bar| Some(bar.figure?.most));
    let most = most.fold(f64::MIN_POSITIVE, f64::max);
    for (at, of_bar) in panel.bars.iter().enumerate() {
        let top = TITLE + at as f64 * BAR;
        let _ = writeln!(
            body,
            r#"<text x="{:.0}" y="{:.1}" text-anchor="end">{}</text>"#,
            names - SPACE,
            top + 10.5,
            escaped(&of_bar.name)
        );
        bar(body, of_bar, names, top, LONGEST / most);
    }
}

fn bar(body: &mut String, bar: &Bar, left: f64, top: f64, scale: f64) {
    let Some(figure) = bar.figure else {
        let _ = writeln!(body, r#"<text x="{left:.0}" y="{:.1}" class="quiet">failed</text>"#, top + 10.5);
        return;
    };
    let class = bar.class;
    let length = figure.median * scale;
    let (least, most) = (left + figure.least * scale, left + figure.most * scale);
    let middle = top + 7.0;
    let _ = writeln!(
        body,
        r#"<rect x="{left:.0}" y="{top:.0}" width="{length:.1}" height="14" class="{class}"/>"#
    );
    let _ = writeln!(
        body,
        r#"<path d="M{least:.1} {middle:.1}H{most:.1}M{least:.1} {:.1}v6M{most:.1} {:.1}v6" class="whisker"/>"#,
        middle - 3.0,
        middle - 3.0,
    );
    let decimals = if figure.median < 5.0 { 2 } else { usize::from(figure.median < 20.0) };
    let _ = writeln!(
        body,
        r#"<text x="{:.1}" y="{:.1}">{:.decimals$}</text>"#,
        most + 6.0,
        top + 10.5,
        figure.median
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cell, measure::Round};

    fn row(contender: &'static str, title: &'static str, frames: &[u64]) -> Row {
        let round = |frames: &u64| Round {
            frames: *frames,
            seconds: 1.0,
            sender_cpu_seconds: 0.0,
            receiver_cpu_seconds: 0.0,
        };
        Row {
            contender,
            title,
            failed: None,
            rounds: frames.iter().map(round).collect(),
            sender_memory: None,
            receiver_memory: None,
            user_copies: None,
        }
    }

    #[test]
    fn bars_are_as_long_as_the_rates_and_whiskers_reach_the_ends() {
        let rows = vec![
            row("netgear", "netgear", &[50, 100, 200]),
            Row { failed: Some("it ended".into()), ..row("omq", "a<b", &[]) },
        ];
        let drawing = of_transport(&[Measured { cell: Cell::PLAIN, rows }]);
        // The longest reaches 170 beyond 150.
        assert!(
            drawing.contains(r#"<rect x="150" y="40" width="85.0" height="14" class="ours"/>"#),
            "{drawing}"
        );
        assert!(drawing.contains(r#"d="M192.5 47.0H320.0M192.5 44.0v6M320.0 44.0v6""#), "{drawing}");
        assert!(drawing.contains(">a&lt;b</text>") && drawing.contains(">failed</text>"), "{drawing}");
        assert_eq!(drawing.matches("<g ").count(), drawing.matches("</g>").count());
    }

    #[test]
    fn panels_stand_three_in_a_row() {
        let panel = Measured { cell: Cell::PLAIN, rows: vec![row("raw", "raw sockets", &[1])] };
        let drawing = of_transport(&vec![panel; 4]);
        for place in ["translate(0 30)", "translate(400 30)", "translate(800 30)", "translate(0 110)"] {
            assert!(drawing.contains(place), "{place} is not in {drawing}");
        }
        assert!(drawing.contains(r#"viewBox="0 0 1200 190""#), "{drawing}");
    }

    #[test]
    fn long_names_have_room() {
        let title = "raw sockets and nothing else whatsoever";
        let drawing = of_transport(&[Measured { cell: Cell::PLAIN, rows: vec![row("raw", title, &[1])] }]);
        // 39 letters of 6 each and the space behind them.
        assert!(drawing.contains(r#"<text x="234" "#) && drawing.contains(r#"<rect x="240" "#), "{drawing}");
        assert!(drawing.contains(r#"viewBox="0 0 1470 "#), "{drawing}");
    }
}
