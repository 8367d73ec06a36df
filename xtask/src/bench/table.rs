//! The figures as a table, or as JSON.

use super::line::Line;

/// A Markdown table, so that it can stand in `docs/benchmarks.md` as it is.
pub(super) fn text(lines: &[Line]) -> String {
    let mut rows = vec![["name", "ours", "baseline", "ratio", "target", "", "against"].map(str::to_owned)];
    rows.extend(lines.iter().map(row));
    let widths: Vec<usize> =
        (0..7).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    let mut shown: Vec<String> = rows.iter().map(|row| padded(row, &widths)).collect();
    let rule = widths.iter().map(|width| "-".repeat(width + 2)).collect::<Vec<_>>().join("|");
    shown.insert(1, format!("|{rule}|"));
    shown.join("\n")
}

pub(super) fn json(lines: &[Line]) -> String {
    let lines: Vec<_> = lines
        .iter()
        .filter_map(|line| {
            let mut value = serde_json::to_value(line).ok()?;
            value["ok"] = (!line.is_over()).into();
            Some(value)
        })
        .collect();
    serde_json::Value::from(lines).to_string()
}

fn row(line: &Line) -> [String; 7] {
    let with_unit = |figure: f64| format!("{} {}", short(figure), line.unit);
    let bound = if line.at_least { "≥" } else { "≤" };
    let verdict = match line.target {
        None => "",
        Some(_) if line.is_over() => "over",
        Some(_) => "ok",
    };
    [
        line.name.clone(),
        with_unit(line.ours),
        line.baseline.map(with_unit).unwrap_or_default(),
        line.ratio.map(short).unwrap_or_default(),
        line.target.map(|target| format!("{bound} {target}")).unwrap_or_default(),
        verdict.to_owned(),
        line.against.clone(),
    ]
}

fn padded(row: &[String; 7], widths: &[usize]) -> String {
    let cells = row.iter().zip(widths).map(|(cell, width)| {
        let missing = " ".repeat(width - cell.chars().count());
        format!(" {cell}{missing} ")
    });
    format!("|{}|", cells.collect::<Vec<_>>().join("|"))
}

/// Three digits that count.
fn short(figure: f64) -> String {
    let decimals = match figure.abs() {
        size if size >= 100.0 || size == 0.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 0.1 => 2,
        _ => 4,
    };
    format!("{figure:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::super::line::line;
    use super::*;

    #[test]
    fn a_table_tells_which_targets_are_missed() {
        let shown =
            text(&[line(1.2, Some(1.15), false), line(36.0, Some(35.0), true), line(2.0, None, false)]);
        let rows: Vec<_> = shown.lines().collect();
        assert_eq!(rows.len(), 5);
        assert!(rows[2].contains("| 1.20 ") && rows[2].contains("≤ 1.15 | over |"), "{shown}");
        assert!(rows[3].contains("≥ 35   | ok   |"), "{shown}");
        assert!(rows.iter().all(|row| row.chars().count() == rows[0].chars().count()));
    }

    #[test]
    fn json_has_the_verdict_too() {
        let value: serde_json::Value =
            serde_json::from_str(&json(&[line(1.2, Some(1.15), false)])).expect("JSON");
        assert_eq!((&value[0]["ok"], &value[0]["name"]), (&false.into(), &"a-line".into()));
    }
}
