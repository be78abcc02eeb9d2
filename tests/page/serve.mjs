// Looks at the page of `skillbelt serve` as readers do: in a real Chromium, at a desk, on a phone, in the
// dark, by keyboard alone. Asks about a function, searches, meets an error and a key, asks axe-core, saves
// pictures.
//
//   skillbelt serve BELT --base BASE --address 127.0.0.1:8642 [--code PATH] &
//   npm install --prefix /tmp/look axe-core playwright-core     # tools of this check alone
//   NODE_PATH=/tmp/look/node_modules CHROMIUM=/usr/bin/chromium node tests/page/serve.mjs http://127.0.0.1:8642/ /tmp/look
//
// Ends with 1 if anything is not as it should be. It changes nothing but the folder of pictures.

import { createRequire } from "node:module";
import { readFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";

const need = createRequire(join(process.env.NODE_PATH ?? ".", "here.js"));
const { chromium } = need("playwright-core");
const axe = readFileSync(need.resolve("axe-core/axe.min.js"), "utf8");

const [address, pictures] = process.argv.slice(2);
if (!address || !pictures) {
  console.error("serve.mjs ADDRESS FOLDER-OF-PICTURES");
  process.exit(2);
}
mkdirSync(pictures, { recursive: true });

let wrong = 0;
const expect = (what, holds, seen = "") => {
  console.log(`${holds ? "ok   " : "WRONG"} ${what}${holds ? "" : ` ${JSON.stringify(seen)}`}`);
  if (!holds) wrong += 1;
};

const looks = {
  desktop: { viewport: { width: 1280, height: 900 }, colorScheme: "light", reducedMotion: "reduce" },
  dark: { viewport: { width: 1280, height: 900 }, colorScheme: "dark" },
  phone: { viewport: { width: 390, height: 844 }, colorScheme: "light", isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
  phone_dark: { viewport: { width: 320, height: 700 }, colorScheme: "dark", isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
};
const CODE = "int average(int *values, int count) {\n    int sum = 0;\n    for (int i = 0; i <= count; i++) sum += values[i];\n    return sum / count;\n}";

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });

async function sound(tab, name) {
  const wide = await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(`${name}: the page does not scroll sideways`, wide <= 0, wide);
  await tab.evaluate(axe);
  const { violations } = await tab.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  expect(`${name}: axe-core finds nothing`, violations.length === 0, violations.map((it) => [it.id, it.nodes[0].html.slice(0, 160), it.nodes[0].failureSummary]));
}

const told = await (await fetch(new URL("/tasks", address))).json();
const judging = told.belts[0].tasks.filter((task) => task.type !== "retrieve");

for (const [name, look] of Object.entries(looks)) {
  const context = await browser.newContext({ ...look, bypassCSP: true });
  const tab = await context.newPage();
  const said = [];
  const asked = new Set();
  tab.on("console", (message) => { if (message.type() === "error") said.push(message.text()); });
  tab.on("pageerror", (error) => said.push(String(error)));
  tab.on("request", (request) => asked.add(new URL(request.url()).protocol === "data:" ? "data:" : new URL(request.url()).origin));
  await tab.goto(address);
  await tab.waitForFunction(() => document.querySelector("#about").textContent.includes(" on "));
  await sound(tab, `${name}, at first`);
  await tab.screenshot({ path: join(pictures, `serve-${name}-first.png`), fullPage: true });

  // By keyboard: into the field, and Ctrl+Enter.
  await tab.locator("#code").focus();
  await tab.keyboard.insertText(CODE);
  if (await tab.locator("#second").isVisible()) await tab.locator("#second").fill(CODE.replaceAll("sum", "total"));
  await tab.locator("#code").focus();
  await tab.keyboard.press("Control+Enter");
  await tab.waitForFunction(() => / in \d+ ms|no answer|no task/.test(document.querySelector("#status").textContent));
  const status = await tab.textContent("#status");
  const names = await tab.$$eval(".verdict h3", (all) => all.map((it) => it.textContent));
  expect(`${name}: every task of the belt answers`, judging.every((task) => names.includes(task.name)), [status, names]);
  const sums = await tab.$$eval(".shares", (all) => all.map((it) => Array.from(it.querySelectorAll("progress")).reduce((sum, bar) => sum + bar.value, 0)));
  expect(`${name}: shares of classes sum to one`, sums.every((sum) => Math.abs(sum - 1) < 1e-3), sums);
  expect(`${name}: the status is told to those who do not see`, (await tab.getAttribute("#status", "role")) === "status");
  if (told.index) {
    await tab.waitForFunction(() => document.querySelectorAll("#near-hits li").length > 0);
    await tab.locator("#words").fill("sum of values");
    await tab.keyboard.press("Enter");
    await tab.waitForFunction(() => document.querySelectorAll("#find-hits li").length > 0);
  }
  await sound(tab, `${name}, answered`);
  await tab.screenshot({ path: join(pictures, `serve-${name}.png`), fullPage: true });
  expect(`${name}: nothing was asked of another server`, [...asked].every((one) => one === "data:" || one === new URL(address).origin), [...asked]);
  expect(`${name}: no error was told`, said.length === 0, said);
  await context.close();
}

{
  // With the page's own policy in force, and a server that refuses.
  const context = await browser.newContext(looks.desktop);
  const tab = await context.newPage();
  const said = [];
  tab.on("console", (message) => { if (message.type() === "error" && !message.text().includes("status of")) said.push(message.text()); });
  await tab.goto(address);
  await tab.waitForFunction(() => document.querySelector("#about").textContent.includes(" on "));
  await tab.locator("#go").click();
  expect("nothing is asked about no code", (await tab.textContent("#status")).includes("no code"), await tab.textContent("#status"));
  const order = [];
  await tab.locator(".skip").focus();
  for (let step = 0; step < 8; step += 1) {
    order.push(await tab.evaluate(() => document.activeElement.id || document.activeElement.className));
    await tab.keyboard.press("Tab");
  }
  expect("by keyboard: skip link, code, ask, example", ["skip", "code", "go", "example"].every((id) => order.includes(id)) && order.indexOf("code") < order.indexOf("go"), order);
  const markup = "<img src=x onerror=alert(1)>";
  await tab.route("**/predict", (route) => route.fulfill({ status: 429, headers: { "Retry-After": "7" }, json: { error: { message: markup } } }));
  await tab.locator("#example").click();
  await tab.locator("#go").click();
  await tab.waitForSelector(".wrong");
  expect("a refusal is told as text, with when to come again", (await tab.textContent(".wrong")) === `${markup} (in 7 s)`, await tab.textContent(".wrong"));
  expect("and is no markup", (await tab.locator("#verdicts img").count()) === 0);
  await tab.unroute("**/predict");
  await tab.route("**/predict", (route) => route.fulfill({ status: 401, json: { error: { message: "a key is asked for" } } }));
  await tab.locator("#go").click();
  await tab.waitForSelector("#key:visible");
  expect("a server with a key asks for it", await tab.evaluate(() => document.activeElement.id === "key"));
  await sound(tab, "with a refusal").catch(() => {});
  expect("the policy of the page breaks nothing", said.every((one) => !one.includes("Content Security Policy") || one.includes("axe")), said);
  await context.close();
}

await browser.close();
console.log(wrong === 0 ? "all as it should be" : `${wrong} wrong`);
process.exit(wrong === 0 ? 0 : 1);
