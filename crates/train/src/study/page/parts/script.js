"use strict";
// Sorts tables, filters by task and belt, opens the run that a link names, saves the data. The page
// is whole without it.
(() => {
  const all = (query, inside = document) => Array.from(inside.querySelectorAll(query));

  // What a cell sorts by: its own number, else its text; nothing goes last either way.
  const worth = (row, column) => {
    const cell = row.cells[column];
    if (cell.dataset.v !== undefined && cell.dataset.v !== "") return Number(cell.dataset.v);
    const text = cell.textContent.trim();
    if (cell.classList.contains("number")) return /^\d+$/.test(text) ? Number(text) : null;
    return text;
  };
  const compare = (a, b, sign) => {
    if (a === null || b === null) return (a === null) - (b === null);
    if (typeof a === "number" && typeof b === "number") return sign * (a - b);
    return sign * String(a).localeCompare(String(b), "en", { numeric: true });
  };
  const sort = (table, head) => {
    const column = head.cellIndex;
    const before = head.getAttribute("aria-sort");
    const down = before ? before === "ascending" : head.classList.contains("number");
    all("th[aria-sort]", table).forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0];
    const rows = Array.from(body.rows).map((row) => [worth(row, column), row]);
    rows.sort((a, b) => compare(a[0], b[0], down ? -1 : 1));
    body.append(...rows.map(([, row]) => row));
    all("tr", body).forEach((row) => row.classList.add("first"));
  };
  for (const table of all("table.sortable")) {
    for (const head of all("thead th:not([data-plain])", table)) {
      const button = document.createElement("button");
      button.type = "button";
      const name = head.firstChild;
      head.insertBefore(button, name);
      button.append(name);
      button.addEventListener("click", () => sort(table, head));
    }
  }

  const form = document.getElementById("filter");
  const boxes = all("input", form);
  const chosen = (kind) => new Set(boxes.filter((box) => box.dataset.kind === kind && box.checked).map((box) => box.dataset.number));
  // A thing of several tasks stays while one of them is chosen; in a matrix it needs both.
  const fits = (text, kept, every) => {
    const numbers = text.split(" ").filter((number) => /^\d+$/.test(number));
    if (numbers.length === 0) return true;
    return every ? numbers.every((number) => kept.has(number)) : numbers.some((number) => kept.has(number));
  };
  const filter = () => {
    const tasks = chosen("t"), belts = chosen("b");
    for (const it of all("[data-t], [data-b]")) {
      const stays = fits(it.dataset.t ?? "", tasks, it.hasAttribute("data-all")) && fits(it.dataset.b ?? "", belts, false);
      if (it.closest(".matrix")) it.classList.toggle("faded", !stays);
      else if (it instanceof SVGElement) it.style.display = stays ? "" : "none";
      else it.hidden = !stays;
    }
    const count = (kind, word) => {
      const total = boxes.filter((box) => box.dataset.kind === kind).length;
      const kept = kind === "t" ? tasks.size : belts.size;
      return kept === total ? null : `${kept} of ${total} ${word}`;
    };
    const words = [count("t", "tasks"), count("b", "belts")].filter(Boolean);
    document.getElementById("shown").textContent = words.length ? `Showing ${words.join(", ")}` : "";
  };
  form.addEventListener("change", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = all("fieldset:not([hidden])", form).length === 0;
  form.reset();

  const open = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target instanceof HTMLDetailsElement) {
      target.hidden = false;
      target.open = true;
      target.querySelector("summary").focus({ preventScroll: true });
      target.scrollIntoView();
    }
  };
  addEventListener("hashchange", open);
  open();

  const save = document.getElementById("save");
  save.hidden = false;
  save.addEventListener("click", () => {
    const text = JSON.stringify(JSON.parse(document.getElementById("data").textContent), null, 2);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text + "\n"], { type: "application/json" }));
    link.download = "results.json";
    link.click();
    URL.revokeObjectURL(link.href);
  });

  // On paper everything that is folded but the runs is open.
  addEventListener("beforeprint", () => all("details.fold").forEach((fold) => { fold.open = true; }));
})();
