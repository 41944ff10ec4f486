//! The page as a browser sees it. `UNDERSTUDY_SHOTS=DIR` keeps what it looks like.

use crate::{earlier, fixtures, series};
use base64::Engine;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use understudy_report::html;
use understudy_testkit::browser::{Browser, find};

/// What a page must not do: fail, log an error, or request anything but itself.
pub(crate) fn misdeeds(browser: &Browser, page: &Path) -> Vec<String> {
    let own = format!("file://{}", page.display());
    let wrong = browser
        .events
        .iter()
        .filter(|event| match event["method"].as_str() {
            Some("Runtime.exceptionThrown" | "Runtime.consoleAPICalled" | "Log.entryAdded") => true,
            Some("Network.requestWillBeSent") => event["params"]["request"]["url"] != *own,
            _ => false,
        });
    wrong.map(Value::to_string).collect()
}

/// The elements that stick out of the page, unless they scroll within a box of their own.
const STICKING_OUT: &str = "[...document.querySelectorAll('body *')]
    .filter(e => e.getBoundingClientRect().right > innerWidth + 0.5 && !e.closest('.scroll, pre, .unseen'))
    .map(e => e.tagName + '.' + e.className.toString() + ' ' + e.textContent.slice(0, 40))";

/// Labels of charts that overlap one another.
pub(crate) const OVERLAPPING: &str = "[...document.querySelectorAll('.xs, .ys')].flatMap(axis => {
    const boxes = [...axis.children].filter(e => e.offsetParent !== null)
        .map(e => [e.textContent, e.getBoundingClientRect()]);
    return boxes.flatMap(([a, p], i) => boxes.slice(i + 1)
        .filter(([, q]) => p.left < q.right && q.left < p.right && p.top < q.bottom && q.top < p.bottom)
        .map(([b]) => a + ' | ' + b));
})";

fn written(folder: &Path, name: &str) -> PathBuf {
    let documents = fixtures::all();
    let series = series::series_of(name, series::DEFAULT);
    let page = match documents.iter().find(|(of, _)| *of == name) {
        Some((_, document)) => html::page(
            document,
            series.as_ref(),
            fixtures::business(name).as_ref(),
            earlier::of(name).as_ref(),
        ),
        None => html::case_page(&fixtures::business(name).unwrap()),
    };
    let path = folder.join(format!("{name}.html"));
    fs::write(&path, page).unwrap();
    path
}

/// Nothing on the page is wider than the window.
pub(crate) fn assert_fits(browser: &mut Browser, at: &str) {
    let fits = browser.evaluate("document.documentElement.scrollWidth <= innerWidth");
    let wide = browser.evaluate(STICKING_OUT);
    assert_eq!((fits, wide), (json!(true), json!([])), "{at}");
}

pub(crate) fn shoot(browser: &mut Browser, name: &str) {
    let Some(folder) = std::env::var_os("UNDERSTUDY_SHOTS") else {
        return;
    };
    let answer = browser.call(
        "Page.captureScreenshot",
        json!({"format": "png", "captureBeyondViewport": true}),
    );
    keep(&answer, Path::new(&folder).join(format!("{name}.png")));
}

fn keep(answer: &Value, path: PathBuf) -> Vec<u8> {
    let data = answer["data"].as_str().unwrap();
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(data)
        .unwrap();
    if std::env::var_os("UNDERSTUDY_SHOTS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &bytes).unwrap();
    }
    bytes
}

#[expect(
    clippy::print_stderr,
    reason = "the log of the tests shows what was skipped"
)]
pub(crate) fn browser() -> Option<Browser> {
    let program = find();
    if program.is_none() {
        eprintln!("skipped: no Chromium on this machine (apt-get install chromium)");
    }
    program.map(|program| Browser::start(&program))
}

#[test]
fn every_report_fits_every_width_in_both_schemes_without_a_request_or_a_complaint() {
    let Some(mut browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let looks = [
        (1400, "light"),
        (320, "light"),
        (360, "dark"),
        (880, "dark"),
    ];
    let names = fixtures::all().into_iter().map(|(name, _)| name);
    for (index, name) in names.chain(["case"]).enumerate() {
        let page = written(folder.path(), name);
        // Each kind at both ends, the first at every width between them.
        let looks = if index == 0 { &looks[..] } else { &looks[..2] };
        for (width, scheme) in looks.iter().copied() {
            browser.look(width, scheme, "screen");
            browser.open(&page);
            let at = format!("{name} at {width} px, {scheme}");
            assert_eq!(misdeeds(&browser, &page), Vec::<String>::new(), "{at}");
            assert_fits(&mut browser, &at);
            shoot(&mut browser, &format!("{name}-{width}-{scheme}"));
            browser.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)");
            assert_fits(&mut browser, &format!("{at}, all open"));
            assert_eq!(browser.evaluate(OVERLAPPING), json!([]), "{at}");
            shoot(&mut browser, &format!("{name}-{width}-{scheme}-open"));
        }
    }
}

#[test]
fn colours_follow_the_scheme_and_contrast_with_their_ground() {
    let Some(mut browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let page = written(folder.path(), "replace");
    // Contrast as in WCAG 2.2: at least 4.5 for text, which all of these are used for.
    let contrast = "(() => {
        const probe = document.body.appendChild(document.createElement('i'));
        const light = name => {
            probe.style.color = `var(--${name})`;
            const [r, g, b] = getComputedStyle(probe).color.match(/[0-9.]+/g).map(Number)
                .map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const colours = ['ink', 'soft', 'link', 'incumbent', 'candidate', 'better', 'worse', 'keep', 'open'];
        return colours.flatMap(name => ['paper', 'panel'].map(ground => {
            const [a, b] = [light(name), light(ground)].sort();
            return [name, ground, (b + 0.05) / (a + 0.05)];
        })).filter(([, , ratio]) => ratio < 4.5);
    })()";
    let mut grounds = Vec::new();
    for scheme in ["light", "dark"] {
        browser.look(1000, scheme, "screen");
        browser.open(&page);
        assert_eq!(browser.evaluate(contrast), json!([]), "{scheme}");
        grounds.push(browser.evaluate("getComputedStyle(document.body).backgroundColor"));
    }
    assert_ne!(grounds[0], grounds[1]);
}

#[test]
fn a_rate_is_chosen_by_keyboard_and_the_first_stop_skips_to_the_verdict() {
    let Some(mut browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    browser.look(1000, "light", "screen");
    browser.open(&written(folder.path(), "replace"));
    let mut press = |key: &str| {
        for kind in ["rawKeyDown", "keyUp"] {
            let code = if key == "Tab" { 9 } else { 37 };
            browser.call(
                "Input.dispatchKeyEvent",
                json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code}),
            );
        }
    };
    press("Tab");
    let skip = browser.evaluate("[document.activeElement.getAttribute('href'), document.activeElement.getBoundingClientRect().top >= 0]");
    assert_eq!(skip, json!(["#content", true]));
    let shown = "[...document.querySelectorAll('#latency .tab')].map(e => e.offsetParent !== null)";
    assert_eq!(
        browser.evaluate(shown),
        json!([false, true]),
        "the highest rate first"
    );
    browser.evaluate("document.querySelector('#latency-rate-1').focus()");
    let mut press = |key: &str| {
        browser.call(
            "Input.dispatchKeyEvent",
            json!({"type": "rawKeyDown", "key": key, "code": key, "windowsVirtualKeyCode": 37}),
        );
    };
    press("ArrowLeft");
    assert_eq!(browser.evaluate(shown), json!([true, false]));
}

#[test]
fn a_command_is_copied_by_its_button_which_shows_only_where_it_works() {
    let Some(mut browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let page = written(folder.path(), "not_equivalent");
    browser.look(1000, "light", "screen");
    browser.open(&page);
    let copied = browser.evaluate(
        "(async () => {
            let copied;
            Object.defineProperty(navigator, 'clipboard', { value: { writeText: async text => { copied = text; } } });
            const button = document.querySelector('.cluster button.copy');
            button.click();
            await new Promise(done => setTimeout(done, 50));
            return [button.hidden, button.textContent, copied];
        })()",
    );
    let reproduce = &fixtures::not_equivalent().comparisons[0]
        .equivalence
        .clusters[0]
        .reproduce;
    assert_eq!(copied, json!([false, "Copied", reproduce]));
    browser.call(
        "Emulation.setScriptExecutionDisabled",
        json!({"value": true}),
    );
    browser.open(&page);
    let root = browser.call("DOM.getDocument", json!({}));
    let found = browser.call(
        "DOM.querySelectorAll",
        json!({"nodeId": root["root"]["nodeId"], "selector": "button:not([hidden])"}),
    );
    assert_eq!(found["nodeIds"], json!([]), "no button without JavaScript");
}

#[test]
fn print_is_light_and_shows_everything() {
    let Some(mut browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let page = written(folder.path(), "replace");
    browser.look(1000, "dark", "print");
    browser.open(&page);
    let hidden = browser.evaluate(
        "[...document.querySelectorAll('.tab, details > :not(summary)')].filter(e => !e.checkVisibility({contentVisibilityAuto: true})).length",
    );
    assert_eq!(hidden, json!(0), "tabs and details are open");
    let ground = browser.evaluate("getComputedStyle(document.body).backgroundColor");
    assert_eq!(ground, json!("rgb(255, 255, 255)"));
    shoot(&mut browser, "replace-print");
    browser.look(1000, "light", "");
    let pdf = browser.call(
        "Page.printToPDF",
        json!({"printBackground": true, "preferCSSPageSize": true}),
    );
    let shots = std::env::var_os("UNDERSTUDY_SHOTS").unwrap_or_default();
    let pdf = keep(&pdf, Path::new(&shots).join("replace.pdf"));
    assert!(pdf.starts_with(b"%PDF-") && pdf.len() > 20_000);
    let pages = pdf
        .windows(11)
        .filter(|w| w.starts_with(b"/Type /Page") && w != b"/Type /Pages")
        .count();
    assert!((4..40).contains(&pages), "{pages} pages");
}
