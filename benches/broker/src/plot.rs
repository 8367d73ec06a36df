//! The cost of an event against the number of tenants, drawn.

use std::fmt::Write as _;

use crate::world::World;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;
const MARGIN: f64 = 60.0;

pub fn draw(file: &str) {
    let counts = [100, 1_000, 10_000, 100_000, 1_000_000];
    let points: Vec<(usize, f64)> = counts
        .into_iter()
        .map(|count| {
            // The middle of three, since the machine has others to serve.
            let figures = (0..3).map(|_| World::supplied(count).run(5_000).nanos_each()).collect();
            let figure = measure::median(figures);
            eprintln!("{count} tenants: {figure:.0} ns");
            (count, figure)
        })
        .collect();
    std::fs::write(file, svg(&points)).expect("the file can be written");
}

fn svg(points: &[(usize, f64)]) -> String {
    let most = points.iter().map(|point| point.1).fold(0.0, f64::max) * 1.15;
    let x = |count: usize| MARGIN + (WIDTH - 2.0 * MARGIN) * ((count as f64).log10() - 2.0) / 4.0;
    let y = |nanos: f64| HEIGHT - MARGIN - (HEIGHT - 2.0 * MARGIN) * nanos / most;
    let mut text = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
<text x="{MARGIN}" y="30" font-size="15">Broker: nanoseconds a step, by tenants kept supplied</text>
"##
    );
    let line: Vec<_> =
        points.iter().map(|&(count, nanos)| format!("{:.1},{:.1}", x(count), y(nanos))).collect();
    writeln!(text, r##"<polyline points="{}" fill="none" stroke="#05a" stroke-width="2"/>"##, line.join(" "))
        .expect("a String takes everything");
    for &(count, nanos) in points {
        let (x, y, base) = (x(count), y(nanos), HEIGHT - MARGIN);
        writeln!(
            text,
            r##"<line x1="{x:.1}" y1="{base}" x2="{x:.1}" y2="{MARGIN}" stroke="#ddd"/>
<circle cx="{x:.1}" cy="{y:.1}" r="4" fill="#05a"/>
<text x="{x:.1}" y="{:.1}" text-anchor="middle">{nanos:.0}</text>
<text x="{x:.1}" y="{:.1}" text-anchor="middle">{count}</text>"##,
            y - 10.0,
            base + 18.0
        )
        .expect("a String takes everything");
    }
    text.push_str("</svg>\n");
    text
}
