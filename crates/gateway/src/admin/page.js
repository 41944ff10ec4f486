"use strict";
// Everything that came from outside reaches the page as text, never as markup.
const get = id => document.getElementById(id);
const make = (name, attributes = {}, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.map(child => child ?? ""));
  return element;
};
const row = (...cells) => make("tr", {}, ...cells.map(cell => make("td", {}, cell)));
const count = n => n.toLocaleString("en");
const percent = x => x >= 0.9995 ? "100 %" : (x * 100).toPrecision(3).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "") + " %";
const time = us => us == null ? "–" : us < 1000 ? us + " us" : us < 1e6 ? +(us / 1000).toPrecision(3) + " ms" : +(us / 1e6).toPrecision(3) + " s";
const bytes = n => n < 1048576 ? Math.ceil(n / 1024) + " KiB" : +(n / 1048576).toPrecision(3) + " MiB";
const words = { no_candidate: ["No candidate", ""], proving: ["Proving", "open"], proven: ["Proven", "good"], different: ["Answers differ", "bad"], lossy: ["Too many not compared", "open"] };
let token = sessionStorage.getItem("token") ?? undefined;

async function ask(path, options = {}) {
  const headers = { ...(options.body && { "content-type": "application/json" }), ...(token && { authorization: "Bearer " + token }) };
  const answer = await fetch(path, { ...options, headers });
  // A user without a token is asked only once for each load of the page.
  if (answer.status === 401 && token !== null) {
    token = prompt("Token of the admin interface");
    if (token) sessionStorage.setItem("token", token);
  }
  const document = await answer.json();
  if (!answer.ok) throw new Error(document.errors.join("; "));
  return document;
}

function chart(title, seconds, lines, show) {
  const most = Math.max(1, ...lines.flatMap(line => seconds.map(line.of)).filter(value => value != null));
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 300 100");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", title);
  const caption = make("figcaption", {}, make("b", {}, title), make("span", { class: "soft" }, "top " + show(most)));
  for (const line of lines) {
    // A second without a value is a gap, not a zero.
    let points = [];
    const draw = () => {
      if (points.length === 0) return;
      const polyline = document.createElementNS(svg.namespaceURI, "polyline");
      polyline.setAttribute("class", line.name);
      if (points.length === 1) points.push(points[0].map((v, i) => v + (i === 0 ? 1 : 0)));
      polyline.setAttribute("points", points.join(" "));
      svg.append(polyline);
      points = [];
    };
    seconds.forEach((second, index) => {
      const value = line.of(second);
      if (value == null) draw();
      else points.push([300 - seconds.length + index, 98 - 96 * value / most]);
    });
    draw();
    const last = seconds.length ? line.of(seconds[seconds.length - 1]) : null;
    caption.append(make("span", { class: line.name }, line.label + " " + (last == null ? "–" : show(last))));
  }
  return make("figure", {}, caption, svg);
}

function showStatus(status) {
  const { proof, ledger, candidate, history } = status;
  const [word, look] = words[proof.state];
  get("state").textContent = word;
  get("state").className = look;
  get("because").textContent = proof.because;
  get("about").textContent = `version ${status.version}, up ${count(status.uptime_s)} s, ${status.reloads} reloads`;
  document.title = word + " – Understudy gateway";
  const last = history[history.length - 1];
  const dropped = Object.values(ledger.dropped).reduce((a, b) => a + b, 0);
  get("tiles").replaceChildren(...[
    ["requests a second", last ? count(last.requests) : "–"],
    ["incumbent p99", last ? time(last.incumbent_us.p99) : "–"],
    ["candidate p99", last ? time(last.candidate_us.p99) : "–"],
    ["compared", count(proof.compared)],
    ["different", count(proof.different)],
    ["not compared", count(dropped)],
    ["candidate", !candidate.configured ? "none" : candidate.breaker_open ? "left alone" : candidate.failed ? count(candidate.failed) + " failed" : "well"],
    ["memory of copies", bytes(candidate.memory_bytes)],
  ].map(([name, value]) => make("div", { class: "tile" }, make("span", { class: "soft" }, name), make("b", {}, value))));
  const both = q => [
    { name: "incumbent", label: "incumbent", of: s => s.incumbent_us[q] },
    { name: "candidate", label: "candidate", of: s => s.candidate_us[q] },
  ];
  get("charts").replaceChildren(
    chart("Requests a second", history, [
      { name: "incumbent", label: "clients", of: s => s.requests },
      { name: "candidate", label: "shown", of: s => s.shown },
      { name: "bad", label: "5xx", of: s => s.errors || null },
    ], count),
    chart("Latency p50", history, both("p50"), time),
    chart("Latency p99", history, both("p99"), time),
  );
  get("routes").replaceChildren(...Object.entries(status.routes).filter(([, r]) => r.requests).map(([name, r]) => {
    const { complete, upgraded, ...other } = r.by_end;
    return row(name === "none" ? "(no route)" : name, count(r.requests), ...["2xx", "3xx", "4xx", "5xx"].map(c => count(r.by_class[c] ?? 0)), count(r.retries), counted(other) || "–");
  }));
  get("servers").replaceChildren(...status.servers.map(s => {
    const state = !s.passes_checks ? "fails its health checks" : s.failing_threads ? `fails; not asked by ${s.failing_threads === 1 ? "a thread" : s.failing_threads + " threads"}` : "well";
    return row(s.server, s.role === "second" ? "second incumbent" : s.role, make("span", { class: state === "well" ? "" : "bad" }, state));
  }));
  const unopened = Object.values(status.connections_unopened).reduce((a, b) => a + b, 0);
  get("connections").textContent = [
    `${count(status.connections)} connections of clients, ${count(status.requests_in_flight)} requests under way.`,
    unopened ? `${count(unopened)} connections were closed before a request: ${counted(status.connections_unopened)}.` : "",
    status.log_lines_lost ? `${count(status.log_lines_lost)} lines of the access log are lost.` : "",
  ].filter(Boolean).join(" ");
  get("operations").replaceChildren(...status.operations.map(e => {
    const left = e.different > 0 ? "fix the differences first" : e.more_requests === 0 ? "reached" : e.more_requests == null ? "out of reach" : count(e.more_requests) + " more";
    const done = e.more_requests == null ? 0 : 100 * e.compared / (e.compared + e.more_requests || 1);
    const bar = make("span", { class: "bar", "aria-hidden": "true" }, make("i"));
    bar.firstChild.style.width = done + "%";
    return row(e.operation, count(e.compared), make("span", { class: e.different ? "bad" : "" }, count(e.different)), count(e.excused), percent(e.mismatch_upper_95), make("span", {}, left + " ", bar));
  }));
  get("cells").replaceChildren(...status.operations.flatMap(e => e.cells.map(c => row(e.operation, c.status, c.parameters || "–", count(c.compared)))));
  get("equation").textContent = `${count(ledger.eligible)} eligible = ${count(ledger.compared)} compared + ${count(dropped)} dropped + ${count(ledger.pending)} pending`;
  get("dropped").replaceChildren(...Object.entries(ledger.dropped).map(([reason, n]) => row(reason.replaceAll("_", " "), count(n))));
}

function waiveForm(cluster) {
  const field = (name, text, type = "text") => make("label", {}, text, make("input", { name, type, required: "" }));
  const problem = make("span", { class: "bad", role: "alert" });
  const form = make("form", {}, field("owner", "Who answers for it"), field("reason", "Why it is acceptable"), field("expires", "Until", "date"), make("button", {}, "Waive"), problem);
  form.addEventListener("submit", async event => {
    event.preventDefault();
    const data = new FormData(form);
    const waiver = { operation: cluster.operation, path: cluster.path, kind: cluster.kind, owner: data.get("owner"), reason: data.get("reason"), expires: data.get("expires") };
    try {
      await ask("api/waivers", { method: "POST", body: JSON.stringify(waiver) });
      shown = "";
      rounds = 0;
      await refresh();
    } catch (error) {
      problem.textContent = error.message;
    }
  });
  return make("details", {}, make("summary", {}, "Waive this difference"), form);
}

let shown = "";
function showDifferences(found) {
  // Rebuilt only when something changed, and never while the user types into it.
  const now = JSON.stringify(found);
  if (now === shown || get("clusters").contains(document.activeElement)) return;
  shown = now;
  const open = new Set([...document.querySelectorAll("#clusters details[open]")].map(details => details.closest("article").dataset.key));
  get("clusters").replaceChildren(...found.clusters.map(cluster => {
    const key = [cluster.operation, cluster.path, cluster.kind].join(" ");
    const form = waiveForm(cluster);
    form.open = open.has(key);
    return make("article", { "data-key": key },
      make("h3", {}, `${cluster.operation}  ${cluster.path}`),
      make("div", { class: "soft" }, `${cluster.kind.replaceAll("_", " ")}, in ${count(cluster.count)} of ${count(cluster.of)} answers`),
      ...cluster.examples.slice(0, 1).map(example => pair(example.baseline, example.contender)),
      make("span", { class: "soft" }, "Reproduce it, with $URL set to either side"), make("pre", {}, cluster.reproduce), form);
  }));
  if (found.clusters.length === 0) get("clusters").replaceChildren(make("p", { class: "soft" }, "No unexcused difference."));
  get("waivers").replaceChildren(...found.waivers.map(({ waiver, expired, dead }) => {
    const button = make("button", {}, "Take back");
    button.addEventListener("click", async () => {
      await ask("api/waivers", { method: "DELETE", body: JSON.stringify({ operation: waiver.operation, path: waiver.path }) });
      await refresh();
    });
    const state = expired ? "is over" : dead ? "excuses nothing" : "holds";
    return row(`${waiver.operation}  ${waiver.path}: ${waiver.reason}`, waiver.owner, waiver.expires, make("span", { class: state === "holds" ? "" : "bad" }, state), button);
  }));
  get("noise").replaceChildren(...found.noise.map(noise => row(`${noise.operation}  ${noise.path}`, noise.kind.replaceAll("_", " "), noise.fits, count(noise.pairs))));
}

// A rule as the configuration has it: a JSON string is a TOML string.
const toml = rule => ["[[compare.rule]]", ...["path", "operation", "kind"].filter(key => rule[key]).map(key => `${key} = ${JSON.stringify(rule[key])}`),
  'reason = "say why this is acceptable"', 'owner = "say who answers for it"'].join("\n");
const counted = counts => Object.entries(counts).filter(([, n]) => n).map(([name, n]) => `${name.replaceAll("_", " ")} ${count(n)}`).join(", ");
const pair = (baseline, contender) => {
  const side = (name, text) => make("div", {}, make("span", { class: name }, name), make("pre", {}, text || "(absent)"));
  return make("div", { class: "pair" }, side("incumbent", baseline), side("candidate", contender));
};

function showProposals({ proposals }) {
  get("proposed").hidden = proposals.length === 0;
  if (get("proposals").contains(document.activeElement)) return;
  get("proposals").replaceChildren(...proposals.map(p => {
    const button = make("button", {}, "Copy");
    button.addEventListener("click", () => navigator.clipboard.writeText(toml(p.rule)).then(() => { button.textContent = "Copied"; }));
    const hidden = Object.values(p.faults_hidden).reduce((a, b) => a + b, 0);
    const besides = [
      ...p.also_hides.map(also => make("li", { class: "bad" }, `${count(also.pairs)} unlike these: ${also.operation}  ${also.path}, ${also.baseline || "(absent)"} and ${also.contender || "(absent)"}`)),
      ...(hidden ? [make("li", {}, `${count(hidden)} of ${count(p.faults)} synthetic faults that are found today: ${counted(p.faults_hidden)}`)] : []),
    ];
    return make("article", {},
      make("h3", {}, `Explains ${percent(p.explains / p.of)} of the answers that differ`),
      make("div", { class: "soft" }, `${count(p.explains)} of ${count(p.of)}; in ${count(p.resolves)} of them nothing else differs`),
      make("div", { class: "copy" }, make("pre", {}, toml(p.rule)), button),
      pair(p.baseline, p.contender),
      besides.length ? make("div", {}, make("span", { class: "soft" }, "It would also hide"), make("ul", {}, ...besides)) : make("div", { class: "soft" }, "It hides nothing else that was found."));
  }));
}

function showSelfTest(test) {
  get("missed").textContent = test.injected === 0 ? "Nothing was tested yet." : `${count(test.missed)} of ${count(test.injected)} synthetic faults in real answers would be missed.`;
  // Operations as columns; faults that are missed somewhere as rows.
  const operations = [...new Set(test.faults.map(f => f.operation))].slice(0, 12);
  const names = [...new Map(test.faults.map(f => [f.fault, f.description]))];
  const of = (fault, operation) => test.faults.find(f => f.fault === fault && f.operation === operation);
  const missedIn = name => operations.some(operation => of(name, operation)?.missed);
  const cell = f => !f ? "–" : make("span", { class: f.missed === 0 ? "good" : f.missed === f.injected ? "bad" : "open" }, f.missed === 0 ? "found" : `${count(f.missed)} of ${count(f.injected)}`);
  const open = names.filter(([name]) => missedIn(name)), found = names.filter(([name]) => !missedIn(name));
  const table = get("matrix");
  table.tHead.replaceChildren(make("tr", {}, make("th", {}, "missed"), ...operations.map(operation => make("th", {}, operation))));
  table.tBodies[0].replaceChildren(...open.map(([name, description]) => row(description, ...operations.map(operation => cell(of(name, operation))))));
  if (found.length) get("missed").append(` Always found: ${found.map(([name]) => name.replaceAll("_", " ")).join(", ")}.`);
  get("hiding").replaceChildren(...test.hidden_by.map(h => make("article", {},
    make("h3", {}, h.by),
    make("div", { class: "soft" }, `hides ${count(h.missed)}: ${counted(h.faults)}`),
    make("div", { class: "soft" }, `such as ${h.baseline || "(absent)"} made into ${h.contender || "(absent)"}`),
    ...(h.needless.length ? [make("div", { class: "bad" }, "Broader than needed: no answer differs at"), make("ul", {}, ...h.needless.map(place => make("li", {}, place)))] : []))));
}

let rounds = 0;
async function refresh() {
  try {
    showStatus(await ask("api/status"));
    showDifferences(await ask("api/differences"));
    // These take more work and change more slowly.
    if (rounds++ % 5 === 0) {
      showProposals(await ask("api/proposals"));
      showSelfTest(await ask("api/selftest"));
    }
    get("trouble").textContent = "";
  } catch (error) {
    get("trouble").textContent = "The gateway does not answer: " + error.message;
  }
}

(async () => {
  for (;;) {
    await refresh();
    await new Promise(done => setTimeout(done, 1000));
  }
})();
