// Looks at the page of a study as readers do: in a real Chromium, at a desk, on a phone, in the dark,
// on paper and without script. Sorts, filters, opens a run, asks axe-core, saves pictures.
//
//   cargo run -p skillbelt -- study page crates/train/tests/study_files/results.json --out /tmp/look/study.html
//   npm install --prefix /tmp/look axe-core playwright-core     # tools of this check alone
//   NODE_PATH=/tmp/look/node_modules CHROMIUM=/usr/bin/chromium node tests/page/check.mjs /tmp/look/study.html /tmp/look
//
// Ends with 1 if anything is not as it should be. It changes nothing but the folder of pictures.

import { createRequire } from "node:module";
import { readFileSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const need = createRequire(join(process.env.NODE_PATH ?? ".", "here.js"));
const { chromium } = need("playwright-core");
const axe = readFileSync(need.resolve("axe-core/axe.min.js"), "utf8");

const [page, pictures] = process.argv.slice(2);
if (!page || !pictures) {
  console.error("check.mjs PAGE.html FOLDER-OF-PICTURES");
  process.exit(2);
}
mkdirSync(pictures, { recursive: true });
const address = pathToFileURL(resolve(page)).href;

let wrong = 0;
const expect = (what, holds, seen = "") => {
  console.log(`${holds ? "ok   " : "WRONG"} ${what}${holds ? "" : ` ${JSON.stringify(seen)}`}`);
  if (!holds) wrong += 1;
};

const looks = {
  desktop: { viewport: { width: 1280, height: 900 }, colorScheme: "light", reducedMotion: "reduce" },
  dark: { viewport: { width: 1280, height: 900 }, colorScheme: "dark" },
  phone: { viewport: { width: 390, height: 844 }, colorScheme: "light", isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
  phone_dark: { viewport: { width: 390, height: 844 }, colorScheme: "dark", isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
};

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });

for (const [name, look] of Object.entries(looks)) {
  const context = await browser.newContext({ ...look, bypassCSP: true });
  const tab = await context.newPage();
  const said = [];
  const asked = [];
  tab.on("console", (message) => { if (message.type() === "error") said.push(message.text()); });
  tab.on("pageerror", (error) => said.push(String(error)));
  tab.on("request", (request) => { if (!request.url().startsWith("file:") && !request.url().startsWith("blob:")) asked.push(request.url()); });
  await tab.goto(address);
  await tab.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
  for (const section of ["results", "multi-single", "matrix", "front", "adviser", "factors", "curves", "runs"]) {
    const heading = tab.locator(`#${section}`);
    if ((await heading.count()) === 0) continue;
    await heading.evaluate((it) => it.scrollIntoView({ behavior: "instant" }));
    await tab.screenshot({ path: join(pictures, `${name}-${section}.png`) });
  }

  const wide = await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(`${name}: the page does not scroll sideways`, wide <= 0, wide);

  await tab.evaluate(axe);
  for (const state of ["folded", "open"]) {
    if (state === "open") await tab.evaluate(() => document.querySelectorAll("details").forEach((it, at) => { it.open = !it.matches(".run") || at % 9 === 0; }));
    const { violations } = await tab.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
    expect(`${name}, ${state}: axe-core finds nothing`, violations.length === 0, violations.map((it) => [it.id, it.nodes.length, it.nodes[0].html.slice(0, 160), it.nodes[0].failureSummary]));
    const wide = await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(`${name}, ${state}: still not sideways`, wide <= 0, wide);
  }
  // Text in drawings is not seen by axe: of every text of a matrix against the square behind it.
  const least = await tab.evaluate(() => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const light = (colour) => {
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b] = Array.from(canvas.getImageData(0, 0, 1, 1).data).map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const paper = getComputedStyle(document.body).backgroundColor;
    return Math.min(...Array.from(document.querySelectorAll(".matrix g")).flatMap((g) => {
      const fill = getComputedStyle(g.querySelector("rect")).fill;
      const back = light(fill === "none" ? paper : fill);
      return Array.from(g.querySelectorAll("text")).map((text) => {
        const front = light(getComputedStyle(text).fill);
        return (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
      });
    }));
  });
  expect(`${name}: text on colour has a contrast of 4.5 (${least.toFixed(2)})`, least >= 4.5, least);
  expect(`${name}: nothing was asked of a network`, asked.length === 0, asked);
  expect(`${name}: no error was told`, said.length === 0, said);
  await context.close();
}

{
  const context = await browser.newContext(looks.desktop);
  const tab = await context.newPage();
  const said = [];
  tab.on("console", (message) => { if (message.type() === "error") said.push(message.text()); });
  await tab.goto(address);

  const column = (section, index) => tab.$$eval(`section[aria-labelledby=${section}] tbody tr`, (rows, index) => rows.filter((row) => !row.hidden).map((row) => Number(row.cells[index].dataset.v)), index);
  const rising = (values) => values.every((value, at) => at === 0 || values[at - 1] <= value);
  const head = tab.locator("section[aria-labelledby=multi-single] thead th", { hasText: "Difference" });
  const at = await head.evaluate((it) => it.cellIndex);
  const before = await column("multi-single", at);
  await head.locator("button").focus();
  await tab.keyboard.press("Enter");
  const falling = await column("multi-single", at);
  expect("a table sorts by keyboard, the largest first", rising([...falling].reverse()) && falling.length === before.length, falling);
  await tab.keyboard.press("Enter");
  expect("and the other way", rising(await column("multi-single", at)), await column("multi-single", at));
  expect("the order is told", (await head.getAttribute("aria-sort")) === "ascending");
  expect("sorting changed something", JSON.stringify(before) !== JSON.stringify(falling));

  const shown = () => tab.$$eval("section[aria-labelledby=multi-single] tbody tr", (rows) => rows.filter((row) => !row.hidden).length);
  await tab.locator("#filter input[data-kind=t]").first().focus();
  await tab.keyboard.press("Space");
  const without = await shown();
  expect("leaving out a task leaves out its rows", without < before.length && without > 0, without);
  const columns = await tab.$$eval("table.wide thead th[data-t]", (heads) => heads.map((it) => it.hidden));
  expect("and its column", columns[0] && !columns[1], columns);
  await tab.locator("#filter input[data-kind=b]").first().focus();
  await tab.keyboard.press("Space");
  expect("leaving out a belt as well", (await shown()) < without, await shown());
  expect("what is shown is told", /of/.test(await tab.textContent("#shown")), await tab.textContent("#shown"));
  await tab.screenshot({ path: join(pictures, "filtered.png") });
  await tab.reload();

  const behind = tab.locator("section[aria-labelledby=results] details.behind").first();
  await behind.locator("summary").click();
  await behind.locator("a").first().click();
  const run = await tab.evaluate(() => { const it = document.querySelector(":target"); return [it?.open, it?.textContent.includes("Recipe"), it?.textContent.includes("Machine")]; });
  expect("a number leads to its run, with recipe and machine", run.every(Boolean), run);
  await tab.screenshot({ path: join(pictures, "run.png") });

  const saved = tab.waitForEvent("download");
  await tab.locator("#save").click();
  const text = readFileSync(await (await saved).path(), "utf8");
  expect("the data can be saved as they were", JSON.parse(text).format === 1);
  await tab.setViewportSize({ width: 718, height: 1000 });
  await tab.emulateMedia({ media: "print" });
  const over = await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect("on paper nothing is cut at the side", over <= 0, over);
  await tab.screenshot({ path: join(pictures, "print.png"), fullPage: true });
  await tab.pdf({ path: join(pictures, "print.pdf"), format: "A4" });
  expect("no error was told", said.length === 0, said);
  await context.close();
}

{
  const context = await browser.newContext({ ...looks.phone, javaScriptEnabled: false });
  const tab = await context.newPage();
  await tab.goto(address);
  expect("without script the tables are there", (await tab.locator("table tbody tr:visible").count()) > 0);
  expect("and no control that does nothing", !(await tab.locator("#filter").isVisible()) && !(await tab.locator("#save").isVisible()));
  await tab.screenshot({ path: join(pictures, "no_script.png") });
  await context.close();
}

await browser.close();
console.log(wrong ? `${wrong} wrong` : "all as it should be");
process.exit(wrong ? 1 : 0);
