// The pages in a real browser: nothing on the console, nothing asked of third parties, nothing that a source
// wrote runs, axe-core finds nothing, and a new entry appears by itself.
//
// node run.mjs [BINARY] [--screenshots DIR]; CHROMIUM names the browser.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const args = process.argv.slice(2);
const at = args.indexOf("--screenshots");
const screenshots = at >= 0 ? resolve(args.splice(at, 2)[1]) : null;
const binary = resolve(args[0] ?? fileURLToPath(new URL("../../target/debug/riverine", import.meta.url)));
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
const rss = (title, items) =>
  `<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>${escape(title)}</title>` +
  `<link>https://origin.example/</link><description>d</description>` +
  items.map(({ id, title, date, text = "", lang = "" }) =>
    `<item${lang && ` xml:lang="${lang}"`}><guid isPermaLink="false">${id}</guid><title>${escape(title)}</title>` +
    `<link>https://origin.example/${id}</link><pubDate>${date}</pubDate><description>${escape(text)}</description></item>`).join("") +
  "</channel></rss>";

// Whatever of this runs calls a global function that the tests watch.
const hurt = "window.__hurt=1";
const xss = [
  `<script>${hurt}</script>`, `<img src=x onerror="${hurt}">`, `<svg onload="${hurt}"></svg>`,
  `<a href="javascript:${hurt}">click</a>`, `<iframe srcdoc="<script>parent.${hurt}</script>"></iframe>`,
  `"><script>${hurt}</script>`, `</title><script>${hurt}</script>`, `<style>*{background:url(https://evil.example/)}</style>`,
  `<math><mtext><table><mglyph><style><img src=x onerror=${hurt}>`, `<form action="https://evil.example/"><button>go</button></form>`,
  `<img src="https://evil.example/pixel.png">`, `<base href="https://evil.example/">`, `<meta http-equiv=refresh content="0;url=https://evil.example/">`,
].map((attack, n) => ({ id: `x${n}`, title: `Attack ${n} ${attack}`, date: `Mon, 16 Nov 2026 0${n % 10}:00:00 GMT`, text: `<p>${attack} text</p>` }));

const day = (n) => `${["Mon, 16", "Tue, 17", "Wed, 18", "Thu, 19", "Fri, 20"][n]} Nov 2026 0${n + 5}:15:00 GMT`;
const world = [
  { id: "w1", title: "Heron colony doubles on the lower river", date: day(4), lang: "en", text: "Two hundred nests were counted this spring. The wardens put it down to quieter banks and a good run of small fish." },
  { id: "w2", title: "Hochwasserschutz: der neue Deich hält", date: day(4), lang: "de", text: "Nach drei Tagen Regen blieb der Pegel unter der Marke." },
  { id: "w3", title: "نهر هادئ بعد العاصفة", date: day(3), lang: "ar", text: "عاد القارب إلى الميناء في الصباح الباكر." },
  { id: "w4", title: "川沿いの図書館が再開", date: day(3), lang: "ja", text: "三年ぶりに利用者を迎えた。" },
  { id: "w5", title: "La passerelle rouvre aux promeneurs", date: day(2), lang: "fr", text: "Les travaux auront duré quatre mois." },
  { id: "w6", title: "Old ferry becomes a floating school", date: day(1), lang: "en", text: "Lessons begin at the landing on Monday; the cook stays aboard." },
];
const harbour = [
  { id: "h1", title: "Lock gates replaced a week early", date: day(4), lang: "en", text: "Barges pass again day and night. The old oak gates go to the museum." },
  { id: "h2", title: "Два буксира вышли на первую линию", date: day(3), lang: "ru", text: "Суда построены на верфи в низовьях." },
  { id: "h3", title: "Tide tables for the winter are out", date: day(1), lang: "en", text: "With the new gauge at the bridge they are good to a hand’s breadth." },
];
const meadow = [
  { id: "m1", title: "Las nutrias vuelven al molino", date: day(4), lang: "es", text: "Una pareja con tres crías, vista al amanecer." },
  { id: "m2", title: "Reed cutting begins in January", date: day(2), lang: "en", text: "Boots are lent at the boathouse. Tea is at four." },
];
// Addresses and ids that offer no place to break a line.
const long = { id: encodeURI("дорога_к_реке".repeat(20)), title: "Long way", date: day(0), text: "Its address is long." };
let feeds = { "/world": rss("Along the River", world), "/harbour": rss("Harbour Gazette", harbour), "/meadow": rss("Meadow Watch", meadow), "/hostile": rss("Hostile <b>source</b>", [...xss, long]) };

const origin = createServer((request, answer) => {
  const body = feeds[request.url];
  answer.writeHead(body ? 200 : 503, { "Content-Type": "application/rss+xml; charset=utf-8" });
  answer.end(body ?? "");
});
await new Promise((done) => origin.listen(0, "127.0.0.1", done));
const from = `http://127.0.0.1:${origin.address().port}`;

const home = await mkdtemp(join(tmpdir(), "riverine-browser-"));
await writeFile(join(home, "riverine.toml"), `
[server]
listen = "127.0.0.1:0"
admin_token = "boss"
[fetch]
allow_private = ["127.0.0.1/32"]
per_host_gap = "0s"
${["world", "harbour", "meadow", "hostile", "silent"].map((id) => `[[source]]\nid = "${id}"\nurl = "${from}/${id}"\nfuture = "keep"\n`).join("")}
[[feed]]
id = "all"
title = "The river"
[[feed]]
id = "shore"
title = "Along the shore"
sources = ["world", "harbour", "meadow"]
`);
const daemon = spawn(binary, ["serve"], { cwd: home, env: { ...process.env, RIVERINE_CONFIG: join(home, "riverine.toml") } });
let log = "";
const base = await new Promise((done, failed) => {
  daemon.stderr.on("data", (bytes) => {
    log += bytes;
    const found = log.match(/listening on (http:\/\/[^/\s]+)/);
    if (found) done(found[1]);
  });
  daemon.on("exit", (code) => failed(new Error(`serve ended with ${code}: ${log}`)));
});
const poll = (id) => fetch(`${base}/api/poll/${id}`, { method: "POST", headers: { Authorization: "Bearer boss" } }).then((answer) => answer.text());

let passed = 0;
const errors = [], foreign = [];
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const open = async (options = {}) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && errors.push(`${page.url()}: ${message.text()}`));
  page.on("pageerror", (error) => errors.push(`${page.url()}: ${error}`));
  page.on("request", (request) => request.url().startsWith(base) || foreign.push(request.url()));
  return page;
};
const test = async (name, run) => {
  await run();
  passed += 1;
  console.log(`ok ${name}`);
};
const harmless = async (page) => assert.equal(await page.evaluate("window.__hurt"), undefined, page.url());

try {
  for (const id of ["world", "harbour", "meadow", "hostile", "silent"]) await poll(id);
  const page = await open();

  await test("the front page shows the river and how to subscribe", async () => {
    await page.goto(base);
    await page.getByRole("heading", { name: "The river" }).waitFor();
    await page.getByRole("link", { name: "Heron colony doubles on the lower river" }).waitFor();
    const subscribe = await page.getByRole("link", { name: "Subscribe", exact: true }).getAttribute("href");
    assert.equal(subscribe, `feed:${base}/feeds/all.atom`);
    const arabic = page.locator("article", { hasText: "نهر هادئ" });
    assert.equal(await arabic.getAttribute("lang"), "ar");
    assert.equal(await arabic.locator("h3").evaluate((node) => getComputedStyle(node).direction), "rtl");
  });

  const entry = await (async () => {
    const feed = await (await fetch(`${base}/feeds/all.json`)).json();
    return (title) => `/entries/${feed.items.find((item) => item.title.match(`^${title}\\b`)).id.replace("urn:uuid:", "")}`;
  })();
  const paths = ["/", "/sources", "/sources/world", "/sources/silent", "/sources/hostile", "/feeds/shore", "/feeds/_health",
    "/search", "/search?q=river", "/search?q=%22open", "/feeds/shore?page=9", "/hub", "/nowhere", entry("Heron"), entry("Long way"),
    ...xss.map((_, n) => entry(`Attack ${n}`))];

  await test("a button copies the feed's address", async () => {
    await page.goto(`${base}/`);
    await page.evaluate(() => { navigator.clipboard.writeText = async (text) => { window.copied = text; }; });
    await page.click(".copier");
    await page.waitForFunction(() => document.querySelector(".copier").textContent === "Copied");
    assert.equal(await page.evaluate(() => window.copied), await page.inputValue(".copy input"));
    await page.focus(".copy input");
    assert.equal(await page.evaluate(() => String(getSelection())), await page.inputValue(".copy input"));
  });

  await test("nothing that a source wrote runs, and nobody else is asked", async () => {
    for (const path of paths) {
      await page.goto(base + path);
      await harmless(page);
    }
    const expected = errors.filter((error) => /\/(nowhere|hub|search\?q=%22open)/.test(error));
    assert.deepEqual(errors.filter((error) => !expected.includes(error)), []);
    assert.deepEqual(foreign, []);
    errors.length = 0;
  });

  await test("axe-core finds nothing, light and dark, desk and phone", async () => {
    for (const options of [{ colorScheme: "light" }, { colorScheme: "dark", viewport: { width: 390, height: 844 } }]) {
      // axe is brought in from outside: our own policy allows no such script, and is not what is tested here.
      const looked = await open({ ...options, bypassCSP: true });
      for (const path of paths.slice(0, 15)) {
        await looked.goto(base + path);
        await looked.evaluate(axe);
        const { violations } = await looked.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
        const words = violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.html).slice(0, 3).join(" ")}`);
        assert.deepEqual(words, [], path);
        const wide = await looked.evaluate(() => document.documentElement.scrollWidth > innerWidth);
        assert.equal(wide, false, `${path} is wider than the window`);
      }
      await looked.context().close();
    }
    errors.length = 0;
  });

  await test("times and other short facts stand on one line, within their columns", async () => {
    for (const width of [1280, 390]) {
      const looked = await open({ viewport: { width, height: 844 } });
      for (const [path, wanted] of [["/sources", "time"], ["/sources/world", ".facts dl > div:not(.wide) dd"]]) {
        await looked.goto(base + path);
        const broken = await looked.locator(wanted).evaluateAll((nodes) => nodes.filter((node) => {
          const text = document.createRange();
          text.selectNodeContents(node);
          const taken = text.getBoundingClientRect();
          const tooHigh = taken.height > 1.8 * parseFloat(getComputedStyle(node).lineHeight);
          return tooHigh || taken.right > node.getBoundingClientRect().right + 1;
        }).map((node) => node.textContent));
        assert.deepEqual(broken, [], `${path} at ${width}`);
        assert.notEqual(await looked.locator(wanted).count(), 0, path);
      }
      await looked.goto(`${base}/sources`);
      const rows = await looked.locator(".sources .meta").evaluateAll((nodes) => nodes.map((node) => node.offsetHeight));
      if (width > 1000) assert.ok(rows.every((height) => height < 36), `one line each: ${rows}`);
      await looked.context().close();
    }
  });

  await test("a search finds, and is a feed", async () => {
    await page.goto(base);
    await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Search" }).click();
    await page.getByRole("searchbox").fill("図書館");
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: "川沿いの図書館が再開" }).waitFor();
    const feed = await page.locator("link[rel=alternate][type='application/atom+xml']").first().getAttribute("href");
    assert.match(feed, /\/search\.atom\?q=/);
    assert.equal((await fetch(feed)).status, 200);
  });

  await test("a new entry appears by itself", async () => {
    await page.goto(base);
    const reloaded = page.waitForEvent("framenavigated", { timeout: 3000 }).then(() => true, () => false);
    await page.waitForTimeout(300);
    const fresh = { id: "w7", title: "A seal was seen at the weir", date: "Sat, 21 Nov 2026 05:00:00 GMT", lang: "en", text: "It slept." };
    feeds = { ...feeds, "/world": rss("Along the River", [fresh, ...world]) };
    await poll("world");
    await page.getByRole("link", { name: fresh.title }).waitFor({ timeout: 5000 });
    assert.equal(await page.locator("li.fresh").count(), 1);
    assert.equal(await reloaded, false, "without loading the page again");
    assert.deepEqual(errors, []);
  });

  await test("nothing is taken from under who stands in the river", async () => {
    await page.goto(base);
    await page.waitForTimeout(300);
    const first = page.locator("h3 a").first();
    await first.focus();
    const fresh = { id: "w8", title: "The weir is closed for a day", date: "Sat, 21 Nov 2026 06:00:00 GMT", lang: "en", text: "For repairs." };
    feeds = { ...feeds, "/world": rss("Along the River", [fresh, ...world]) };
    await poll("world");
    const button = page.getByRole("button", { name: "One new entry" });
    await button.waitFor({ timeout: 5000 });
    assert.equal(await first.evaluate((node) => node === document.activeElement), true);
    await button.press("Enter");
    await page.getByRole("link", { name: fresh.title }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.textContent), fresh.title);
    assert.deepEqual(errors, []);
  });

  await test("the pages work without scripts", async () => {
    const plain = await open({ javaScriptEnabled: false });
    await plain.goto(base);
    await plain.getByRole("link", { name: "Sources" }).first().click();
    await plain.getByRole("link", { name: "Along the River" }).click();
    await plain.getByText("Entries per day").waitFor();
    await plain.context().close();
  });

  if (screenshots) {
    await mkdir(screenshots, { recursive: true });
    for (const [device, viewport] of [["desk", { width: 1200, height: 860 }], ["phone", { width: 390, height: 780 }]]) {
      for (const colorScheme of ["light", "dark"]) {
        const shown = await open({ viewport, colorScheme });
        for (const [name, path] of [["river", "/feeds/shore"], ["source", "/sources/world"], ["search", "/search?q=river"], ["entry", entry("Heron")], ["sources", "/sources"]]) {
          if (colorScheme === "dark" && !["river", "source"].includes(name)) continue;
          await shown.goto(base + path);
          await shown.screenshot({ path: join(screenshots, `${name}-${device}-${colorScheme}.png`) });
        }
        await shown.context().close();
      }
    }
  }
  console.log(`${passed} passed, 0 failed`);
} catch (error) {
  console.error(error);
  console.log(`${passed} passed, 1 failed`);
  process.exitCode = 1;
} finally {
  await browser.close();
  daemon.removeAllListeners("exit");
  daemon.kill();
  origin.close();
  await rm(home, { recursive: true, force: true });
}
