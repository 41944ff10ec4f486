"use strict";
// Comfort only: the table is whole without it. Headers that sort, and a filter by text and verdict.
const table = document.querySelector("table.pairs");
const rows = [...table.tBodies[0].rows];
const controls = document.querySelector(".controls");
const [text, verdict] = controls.querySelectorAll("input, select");
const shown = controls.querySelector("output");
const filter = () => {
  const wanted = text.value.toLowerCase();
  let count = 0;
  for (const row of rows) {
    const fits = row.textContent.toLowerCase().includes(wanted) && (!verdict.value || row.dataset.verdict === verdict.value);
    row.hidden = !fits;
    count += fits;
  }
  shown.textContent = `${count} of ${rows.length} pairs`;
};
text.addEventListener("input", filter);
verdict.addEventListener("change", filter);
const key = (row, column) => row.cells[column].dataset.sort ?? row.cells[column].textContent;
const compare = (a, b) => {
  const [x, y] = [Number(a), Number(b)];
  return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
};
for (const head of table.tHead.rows[0].cells) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  head.append(button);
  button.addEventListener("click", () => {
    const descending = head.ariaSort === "ascending";
    for (const other of table.tHead.rows[0].cells) other.ariaSort = null;
    head.ariaSort = descending ? "descending" : "ascending";
    const column = head.cellIndex;
    rows.sort((a, b) => {
      const [x, y] = [key(a, column), key(b, column)];
      // What has no figure comes last, either way.
      if (x === "" || y === "") return (x === "") - (y === "");
      return descending ? compare(y, x) : compare(x, y);
    });
    table.tBodies[0].append(...rows);
  });
}
controls.hidden = false;
filter();
