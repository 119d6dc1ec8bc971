//! The report as a web page: one file without scripts and without external resources.

use std::fmt::Write as _;

use super::{Case, Report, name_of};

/// Width of the chart in pixels.
const WIDTH: f64 = 760.0;
/// Distance of the bars from the left edge, for their labels.
const LEFT: f64 = 175.0;
/// Height of a bar.
const BAR: f64 = 14.0;
/// Height of a case with its three bars.
const GROUP: f64 = 62.0;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:820px;margin:2em auto;padding:0 1em;color:#222}\
h1{font-size:1.4em}h2{font-size:1.1em;margin-top:2em}table{border-collapse:collapse;width:100%}\
th,td{text-align:right;padding:.25em .6em;border-bottom:1px solid #ddd}th:first-child,td:first-child{text-align:left}\
svg{width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:#222}.p50{fill:#2c7fb8}.p95{fill:#7fcdbb}.p99{fill:#fdae61}\
.axis{stroke:#ccc}.range{stroke:#222}";

/// Renders the report as HTML.
pub fn html(report: &Report) -> String {
    let mut page = String::from("<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">");
    let title = format!("Proving time of {}", escape(&report.circuit_id));
    write(
        &mut page,
        format_args!("<title>{title}</title><style>{STYLE}</style></head><body><h1>{title}</h1>"),
    );
    write(
        &mut page,
        format_args!(
            "<p>Measured on {}: {} proofs for each case, after {} for warm-up. <b>default</b> is a proof on one thread, \
             <b>optimized</b> is a proof on all {} threads. Times are in milliseconds. They include proving and the \
             verification of the proof, but not the time in the queue.</p>",
            date(report.timestamp),
            report.iterations,
            report.warmup_iterations,
            report.threads
        ),
    );
    page.push_str("<h2>Recommendations</h2><ul>");
    for recommendation in &report.recommendations {
        write(&mut page, format_args!("<li>{}</li>", escape(recommendation)));
    }
    page.push_str("</ul><h2>Proving time by case</h2>");
    chart(&mut page, &report.cases);
    page.push_str("<h2>Measurements</h2>");
    table(&mut page, &report.cases);
    page.push_str("</body></html>\n");
    page
}

/// Formats Unix milliseconds as a date and time.
fn date(timestamp: u64) -> String {
    let time = i64::try_from(timestamp)
        .ok()
        .and_then(chrono::DateTime::from_timestamp_millis);
    time.map_or_else(String::new, |time| {
        time.format("%Y-%m-%d at %H:%M UTC").to_string()
    })
}

/// Draws bars of p50, p95 and p99 for each case, and a line from the minimum to the maximum.
fn chart(page: &mut String, cases: &[Case]) {
    let longest = cases.iter().fold(0.0, |left: f64, right| left.max(right.max_ms));
    let (step, most) = scale(longest);
    let x = |milliseconds: f64| LEFT + (WIDTH - LEFT - 60.0) * milliseconds / most;
    let height = cases.iter().fold(52.0, |height, _| height + GROUP);
    write(
        page,
        format_args!(
            "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"Proving time in milliseconds by case\">"
        ),
    );
    for (at, class) in [(LEFT, "p50"), (LEFT + 90.0, "p95"), (LEFT + 180.0, "p99")] {
        write(
            page,
            format_args!(
                "<rect class=\"{class}\" x=\"{at}\" y=\"4\" width=\"12\" height=\"12\"/><text x=\"{}\" y=\"15\">{class}</text>",
                at + 17.0
            ),
        );
    }
    write(
        page,
        format_args!(
            "<text x=\"{}\" y=\"15\">line: minimum to maximum</text>",
            LEFT + 270.0
        ),
    );
    let mut mark = 0.0;
    while mark <= most {
        write(
            page,
            format_args!(
                "<line class=\"axis\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"26\" y2=\"{:.1}\"/><text x=\"{at:.1}\" y=\"{:.1}\" \
                 text-anchor=\"middle\">{mark} ms</text>",
                height - 24.0,
                height - 8.0,
                at = x(mark)
            ),
        );
        mark += step;
    }
    let mut top = 30.0;
    for case in cases {
        write(
            page,
            format_args!(
                "<text x=\"0\" y=\"{:.1}\">{}, {} members</text>",
                top + 27.0,
                name_of(case.circuit_type),
                case.network_size
            ),
        );
        let bars = [("p50", case.p50_ms), ("p95", case.p95_ms), ("p99", case.p99_ms)];
        let mut y = top;
        for (class, milliseconds) in bars {
            write(
                page,
                format_args!(
                    "<rect class=\"{class}\" x=\"{LEFT}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{BAR}\"><title>{class}: {milliseconds:.1} \
                     ms</title></rect><text x=\"{:.1}\" y=\"{:.1}\">{milliseconds:.1}</text>",
                    x(milliseconds) - LEFT,
                    x(case.max_ms) + 6.0,
                    y + 11.0
                ),
            );
            y += BAR;
        }
        write(
            page,
            format_args!(
                "<line class=\"range\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>",
                x(case.min_ms),
                x(case.max_ms),
                y = y + 4.0
            ),
        );
        top += GROUP;
    }
    page.push_str("</svg>");
}

/// Returns the distance between the marks of an axis, and the end of the axis. The distance is 1, 2
/// or 5 times a power of ten, and there are at most six marks.
fn scale(longest: f64) -> (f64, f64) {
    let raw = (longest / 5.0).max(0.1);
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|times| times * power);
    let step = step.into_iter().find(|step| *step >= raw).unwrap_or(raw);
    (step, step * (longest / step).ceil().max(1.0))
}

fn table(page: &mut String, cases: &[Case]) {
    page.push_str(
        "<table><tr><th>case</th><th>avg</th><th>min</th><th>p50</th><th>p95</th><th>p99</th><th>max</th><th>memory</th><th>processor</th></tr>",
    );
    for case in cases {
        write(
            page,
            format_args!(
                "<tr><td>{}, {} members</td>",
                name_of(case.circuit_type),
                case.network_size
            ),
        );
        for figure in [
            case.avg_ms,
            case.min_ms,
            case.p50_ms,
            case.p95_ms,
            case.p99_ms,
            case.max_ms,
        ] {
            write(page, format_args!("<td>{figure:.1}</td>"));
        }
        let memory = case
            .memory_bytes
            .map_or_else(String::new, |bytes| format!("{} MB", bytes / 1_000_000));
        let processor = case
            .cpu_percent
            .map_or_else(String::new, |percent| format!("{percent:.0} %"));
        write(page, format_args!("<td>{memory}</td><td>{processor}</td></tr>"));
    }
    page.push_str("</table>");
}

fn write(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string can't fail.
    let _ = page.write_fmt(text);
}

/// Escapes a text for use in elements and attributes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{super::CircuitType, *};

    #[test]
    fn texts_in_the_page_are_escaped() {
        let report = Report {
            timestamp: 1_763_670_000_000,
            circuit_id: "<script>alert('x')</script>".to_owned(),
            iterations: 1,
            warmup_iterations: 0,
            threads: 1,
            cases: vec![],
            recommendations: vec!["\"&<b>".to_owned()],
        };
        let page = html(&report);
        assert!(!page.contains("<script") && !page.contains("&<b>"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)") && page.contains("&quot;&amp;&lt;b&gt;"));
        assert!(page.contains("Measured on 2025-11-20 at 20:20 UTC"), "{page}");
    }

    /// Parses the number that follows `after` in the text.
    fn number(text: &str, after: &str) -> f64 {
        let rest = text.split_once(after).unwrap().1;
        rest.split('"').next().unwrap().parse().unwrap()
    }

    #[test]
    fn bars_are_proportional_to_times_and_stay_inside_the_chart() {
        let case = |circuit_type, times: [f64; 3]| Case {
            circuit_type,
            network_size: 10_000,
            avg_ms: times[0],
            min_ms: times[0] / 2.0,
            max_ms: 2.0 * times[2],
            p50_ms: times[0],
            p95_ms: times[1],
            p99_ms: times[2],
            memory_bytes: None,
            cpu_percent: None,
        };
        let cases = [
            case(CircuitType::Default, [10.0, 20.0, 30.0]),
            case(CircuitType::Optimized, [40.0, 80.0, 120.0]),
        ];
        let mut picture = String::new();
        chart(&mut picture, &cases);
        let height = number(&picture, &format!("viewBox=\"0 0 {WIDTH} "));
        let bars: Vec<&str> = picture.split("<rect").skip(4).collect();
        assert_eq!(bars.len(), 6);
        let widths: Vec<f64> = bars.iter().map(|bar| number(bar, "width=\"")).collect();
        let tops: Vec<f64> = bars.iter().map(|bar| number(bar, " y=\"")).collect();
        for (width, times) in widths.iter().zip([1.0, 2.0, 3.0, 4.0, 8.0, 12.0]) {
            assert!((width - times * widths[0]).abs() < 1.0, "{widths:?}");
            assert!(LEFT + width < WIDTH);
        }
        assert!(
            tops.windows(2).all(|pair| pair[1] >= pair[0] + BAR),
            "bars overlap: {tops:?}"
        );
        assert!(tops[5] + BAR < height);
        let longest = number(&picture, "class=\"range\" x1=\"");
        assert!(longest >= LEFT);
    }

    #[test]
    fn an_axis_has_at_most_six_round_marks_and_covers_the_largest_value() {
        for longest in [0.0, 0.3, 1.0, 23.7, 25.0, 99.9, 101.0, 4_321.0] {
            let (step, most) = scale(longest);
            let marks = most / step;
            assert!(
                most >= longest && (1.0..=6.0).contains(&marks.round()),
                "{longest}: {step} {most}"
            );
        }
    }
}
