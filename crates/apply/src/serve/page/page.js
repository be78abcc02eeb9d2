// The page of `skillbelt serve`: asks every task about a piece of code and shows what it says. Whatever
// comes from the server or a reader is put in as text, never as markup.

const $ = (id) => document.getElementById(id);

const EXAMPLE = `int average(int *values, int count) {
    int sum = 0;
    for (int i = 0; i <= count; i++) {
        sum += values[i];
    }
    return sum / count;
}`;

let belts = [];
let busy = false;

/** An element with a class, text or children. */
function make(tag, name, ...inside) {
  const it = document.createElement(tag);
  if (name) it.className = name;
  it.append(...inside);
  return it;
}

class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Asks the server; refusals become errors that say why. */
async function ask(path, body) {
  const headers = {};
  if (body) headers["Content-Type"] = "application/json";
  if ($("key").value) headers["Authorization"] = `Bearer ${$("key").value}`;
  const answer = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  let told;
  try {
    told = JSON.parse(text);
  } catch {
    throw new Refused(answer.status, `The server answered ${answer.status} and no more.`);
  }
  if (answer.ok) return told;
  const wait = answer.headers.get("Retry-After");
  const message = told.error?.message ?? told.error ?? `status ${answer.status}`;
  throw new Refused(answer.status, wait ? `${message} (in ${wait} s)` : message);
}

function percent(share) {
  return `${(100 * share).toFixed(share > 0.9995 || share < 0.0005 ? 0 : 1)} %`;
}

function shares(task, probabilities) {
  const list = make("ul", "shares");
  for (const [label, share] of Object.entries(probabilities)) {
    const bar = make("progress");
    bar.max = 1;
    bar.value = share;
    bar.setAttribute("aria-label", `${task}: ${label}`);
    list.append(make("li", "", make("span", "name", label), bar, make("span", "share", percent(share))));
  }
  return list;
}

function verdict(task, said) {
  const it = make("article", "verdict");
  const head = make("div", "head", make("h3", "", task));
  it.append(head);
  if (said.text !== undefined) {
    it.append(make("p", "written", said.text || "(nothing)"));
    return it;
  }
  head.append(make("span", "said", said.label, " ", make("span", "sure", `with ${percent(said.confidence)}`)));
  it.append(shares(task, said.probabilities));
  return it;
}

function hits(list, found) {
  list.replaceChildren(
    ...found.map((hit) => {
      const place = make("span", "place", `${hit.path}:${hit.line}`);
      const score = make("span", "score", ` ${hit.score.toFixed(3)}`);
      return make("li", "", place, score, make("pre", "", hit.code || hit.signature));
    }),
  );
}

function refused(error) {
  if (error.status === 401) {
    $("key-field").hidden = false;
    $("key").focus();
  }
  return make("p", "wrong", error.message);
}

function belt() {
  return belts.find((one) => one.name === $("belt").value) ?? belts[0];
}

function chosen() {
  const one = belt();
  if (!one) return;
  const kinds = new Set(one.tasks.map((task) => task.type));
  $("second-field").hidden = !kinds.has("pair");
  const names = one.tasks.map((task) => task.name).join(", ");
  $("about").textContent = `${one.name} on ${one.base.name}${names ? `: ${names}` : ", without a belt"}`;
  $("go").textContent = one.tasks.some((task) => task.type !== "retrieve") ? "Ask every task" : "Ask";
}

async function begin() {
  try {
    const told = await ask("/tasks");
    belts = told.belts;
    $("belt").replaceChildren(...belts.map((one) => new Option(one.name, one.name)));
    $("belt-field").hidden = belts.length < 2;
    $("near").hidden = $("find").hidden = !told.index;
    chosen();
    return true;
  } catch (error) {
    $("verdicts").replaceChildren(refused(error));
    $("status").textContent = "The server does not say what it answers.";
    return false;
  }
}

/** What the tasks of a belt say of one function, and of two where there are two. */
async function answers(one, code, second) {
  const of = (types) => one.tasks.filter((task) => types.includes(task.type)).map((task) => task.name);
  const asked = [];
  const alone = of(["classify", "generate"]);
  if (alone.length) asked.push(ask("/predict", { belt: one.name, tasks: alone, texts: [code] }));
  const pairs = of(["pair"]);
  if (pairs.length && second.trim()) asked.push(ask("/predict", { belt: one.name, tasks: pairs, pairs: [[code, second]] }));
  return Promise.all(asked);
}

async function submit() {
  const code = $("code").value;
  if (busy) return;
  if (!code.trim()) {
    $("status").textContent = "There is no code to ask about.";
    $("code").focus();
    return;
  }
  busy = true;
  $("go").setAttribute("aria-disabled", "true");
  $("status").textContent = "Asking…";
  try {
    if (!belts.length && !(await begin())) return;
    const started = performance.now();
    const told = await answers(belt(), code, $("second").value);
    const milliseconds = Math.round(performance.now() - started);
    const said = told.flatMap((one) => Object.entries(one.results[0].tasks));
    $("verdicts").replaceChildren(...said.map(([task, it]) => verdict(task, it)));
    const cut = told.some((one) => one.results[0].truncated) ? " Not all of the code was read: it is longer than a task reads." : "";
    const searches = belt().tasks.length ? "This belt has no task that judges code alone." : "A base without a belt has no tasks.";
    $("status").textContent = said.length ? `${said.length} ${said.length === 1 ? "task" : "tasks"} in ${milliseconds} ms.${cut}` : searches;
  } catch (error) {
    $("verdicts").replaceChildren(refused(error));
    $("status").textContent = "There is no answer.";
  } finally {
    busy = false;
    $("go").removeAttribute("aria-disabled");
  }
  if (!$("near").hidden) await show("/similar", { code, k: 8 }, "near");
}

async function show(path, body, where) {
  const status = $(`${where}-status`);
  status.textContent = "Looking…";
  try {
    const found = await ask(path, body);
    hits($(`${where}-hits`), found.hits);
    status.textContent = found.hits.length ? `${found.hits.length} functions, best first.` : "Nothing was found.";
  } catch (error) {
    status.replaceChildren(refused(error));
  }
}

$("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
$("ask").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    submit();
  }
});
$("search").addEventListener("submit", (event) => {
  event.preventDefault();
  if ($("words").value.trim()) show("/search", { query: $("words").value, k: 10 }, "find");
});
$("example").addEventListener("click", () => {
  $("code").value = EXAMPLE;
  $("code").focus();
});
$("belt").addEventListener("change", chosen);
$("key").addEventListener("change", begin);
begin();
