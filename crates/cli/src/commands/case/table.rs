//! The case as a table for a spreadsheet (RFC 4180).

use understudy_case::{CaseDocument, Three};

/// One row a figure, result and swing: `kind,name,low,median,high,unit,source,origin`.
pub(super) fn csv(document: &CaseDocument) -> String {
    let mut out = "kind,name,low,median,high,unit,source,origin\r\n".to_owned();
    let mut row = |cells: [&str; 8]| {
        let cells = cells.map(cell);
        out += &cells.join(",");
        out += "\r\n";
    };
    for of in &document.assumptions {
        let [low, median, high] = [of.low, of.median, of.high].map(|number| number.to_string());
        row([
            "figure", &of.input, &low, &median, &high, &of.unit, &of.source, &of.origin,
        ]);
    }
    let money = document.currency.as_str();
    for arm in &document.arms {
        let results = [
            ("instances", arm.instances, "instances"),
            ("yearly cost", arm.yearly_cost, money),
            ("yearly saving", arm.yearly_saving, money),
            ("costs once", arm.one_off, money),
            ("net present value", arm.npv, money),
        ];
        for (what, Three { p10, p50, p90 }, unit) in results {
            let name = format!("{}: {what}", arm.arm.name());
            let [low, median, high] = [p10, p50, p90].map(|number| number.to_string());
            row([
                "result",
                &name,
                &low,
                &median,
                &high,
                unit,
                "",
                "P10, P50, P90",
            ]);
        }
    }
    for quantile in &document.npv {
        let name = format!("candidate: net present value, quantile {}", quantile.p);
        let value = quantile.value.to_string();
        row(["quantile", &name, "", &value, "", money, "", ""]);
    }
    for swing in &document.tornado {
        let [low, high] = [swing.npv_at_p10, swing.npv_at_p90].map(|number| number.to_string());
        let name = &swing.input;
        let origin = "net present value at the figure's P10 and P90";
        row(["swing", name, &low, "", &high, money, &swing.source, origin]);
    }
    out
}

fn cell(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}
