// Walks a journey in a real browser, and checks each page that it comes to.
//
//   node browser.mjs JOURNEY.mjs --base URL [--no-js] [--output FOLDER] [--facts JSON] [--attached]
//
// A journey is a module whose default export is `async (browser, facts) => {…}`. `browser.person(name)` gives
// someone with their own cookies, whose steps are the methods of `Person` below.
//
// Every page must hold to WCAG 2.2 AA and axe's best practices, must not scroll sideways on a screen 320
// pixels wide (1.4.10 Reflow), and must run no script that its content security policy forbids.
import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { endWithParent } from "./peer.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 320, height: 640 };
const PATIENCE = 30_000; // milliseconds; a busy machine is slow, not wrong

/** What a page failed at, as text for whoever reads the test's output. */
export class PageFault extends Error {}

/** Someone at a browser of their own. */
export class Person {
  #context;
  #page;
  #settings;
  #faults = [];
  #checked = 0;

  constructor(name, context, page, settings) {
    this.name = name;
    this.#context = context;
    this.#page = page;
    this.#settings = settings;
    page.on("console", (message) => {
      if (message.type() === "error" && /Content.Security.Policy/i.test(message.text())) {
        this.#faults.push(message.text());
      }
    });
    page.on("pageerror", (error) => this.#faults.push(`a script failed: ${error.message}`));
  }

  /** How many pages this person came to, each of them checked. */
  get pages() {
    return this.#checked;
  }

  /** The page, for what no step says. */
  get page() {
    return this.#page;
  }

  /** Opens a path of the service, or a whole address. */
  async visit(path) {
    const response = await this.#page.goto(new URL(path, this.#settings.base).href);
    await this.#arrived();
    return response;
  }

  /** Follows the link of this name. */
  async follow(name) {
    await this.#page.getByRole("link", { name, exact: true }).click();
    await this.#arrived();
  }

  /** Presses the button of this name. */
  async press(name) {
    await this.#page.getByRole("button", { name, exact: true }).click();
    await this.#arrived();
  }

  /** Types into the field with this label. */
  async fill(label, value) {
    await this.#page.getByLabel(label, { exact: true }).fill(value);
  }

  /** Puts a file into the field with this label. */
  async upload(label, { name, type, content }) {
    const file = { name, mimeType: type, buffer: Buffer.from(content) };
    await this.#page.getByLabel(label, { exact: true }).setInputFiles(file);
  }

  /** Ticks the checkbox, or picks the radio button, with this label. */
  async choose(label) {
    await this.#page.getByLabel(label, { exact: true }).check();
  }

  /** Picks an option of the list with this label. */
  async select(label, option) {
    await this.#page.getByLabel(label, { exact: true }).selectOption({ label: option });
  }

  /** Waits until the page shows this text. */
  async sees(text) {
    await this.#page.getByText(text).first().waitFor({ state: "visible" });
  }

  /** The page's main heading. */
  async heading() {
    return (await this.#page.getByRole("heading", { level: 1 }).innerText()).trim();
  }

  /** Fails unless the text is nowhere on the page. */
  async seesNo(text) {
    const count = await this.#page.getByText(text).count();
    if (count > 0) throw new PageFault(`${this.#where()} shows ${JSON.stringify(text)}, and should not`);
  }

  /** Keeps a picture of the page as it looks on a desk, and one as it looks on a small phone. */
  async screenshot(name) {
    const mode = this.#settings.js ? "" : "-no-js";
    for (const [size, viewport] of Object.entries({ desktop: WIDE, phone: NARROW })) {
      await this.#page.setViewportSize(viewport);
      const path = join(this.#settings.output, `${name}-${size}${mode}.png`);
      await this.#page.screenshot({ path, fullPage: true });
    }
    await this.#page.setViewportSize(WIDE);
  }

  /** Checks the page as it stands: for states that were reached without a new page. */
  async check() {
    const faults = [...this.#faults.splice(0), ...(await this.#reflow()), ...(await this.#accessibility())];
    if (faults.length > 0) throw new PageFault([this.#where(), ...faults].join("\n  - "));
    this.#checked += 1;
  }

  async close() {
    await this.#context.close();
  }

  async #arrived() {
    await this.#page.waitForLoadState("load");
    // Other parties' pages on the way (the OpenID provider's) are not ours to judge.
    if (new URL(this.#page.url()).origin === new URL(this.#settings.base).origin) await this.check();
  }

  #where() {
    return `${this.name} at ${this.#page.url()}${this.#settings.js ? "" : " without JavaScript"}:`;
  }

  async #reflow() {
    await this.#page.setViewportSize(NARROW);
    const wide = await this.#page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      if (scrollWidth <= clientWidth) return null;
      const over = [...document.body.querySelectorAll("*")].filter(
        (e) => e.getBoundingClientRect().right > clientWidth + 1,
      );
      return { scrollWidth, first: over.slice(0, 3).map((e) => e.outerHTML.slice(0, 120)) };
    });
    await this.#page.setViewportSize(WIDE);
    return wide ? [`scrolls sideways at 320 pixels (${wide.scrollWidth}): ${wide.first.join(" | ")}`] : [];
  }

  /** The rules need scripts to run: where the person has none, the same HTML is read in a page that has. */
  async #accessibility() {
    if (this.#settings.js) return violations(this.#page);
    const html = await this.#page.content();
    const url = this.#page.url().split("#")[0];
    const context = await this.#settings.chromium.newContext({ viewport: WIDE });
    try {
      await context.addCookies(await this.#context.cookies());
      const page = await context.newPage();
      await page.route(url, (route) =>
        route.fulfill({ body: withoutScripts(html), contentType: "text/html; charset=utf-8" }),
      );
      await page.goto(url);
      return await violations(page);
    } finally {
      await context.close();
    }
  }
}

const withoutScripts = (html) => html.replace(/<script\b[^>]*>[\s\S]*?<\/script>/gi, "");

async function violations(page) {
  // Evaluated from outside, which the page's content security policy has no say in.
  await page.evaluate(axe);
  const found = await page.evaluate(
    (values) => globalThis.axe.run(document, { runOnly: { type: "tag", values } }),
    RULES,
  );
  if (found.passes.length === 0) return ["axe found nothing to check: is the page empty?"];
  return found.violations.map(
    ({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(" | ")}`,
  );
}

/** Starts the browser, walks the journey, and closes everything. Returns how many pages were checked. */
export async function walk(journey, { base, js = true, output = "tests/output", facts = {} }) {
  await mkdir(output, { recursive: true });
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  const people = [];
  const person = async (name) => {
    // A violation of the policy must show, but axe itself is put into the page from outside.
    const context = await browser.newContext({
      viewport: WIDE,
      javaScriptEnabled: js,
      locale: "en-GB",
      timezoneId: "Europe/London",
      reducedMotion: "reduce",
    });
    context.setDefaultTimeout(PATIENCE);
    const someone = new Person(name, context, await context.newPage(), { base, js, output, chromium: browser });
    people.push(someone);
    return someone;
  };
  try {
    await journey({ person, js, base }, facts);
    return people.reduce((sum, { pages }) => sum + pages, 0);
  } catch (error) {
    await Promise.allSettled(
      people.map((p) => p.page.screenshot({ path: join(output, `failed-${p.name}.png`), fullPage: true })),
    );
    throw error;
  } finally {
    await browser.close();
  }
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      base: { type: "string" },
      "no-js": { type: "boolean", default: false },
      output: { type: "string" },
      facts: { type: "string", default: "{}" },
      attached: { type: "boolean", default: false },
    },
  });
  const [file] = positionals;
  if (!file || !values.base) throw new Error("say which journey to walk, and --base URL");
  const { default: journey } = await import(pathToFileURL(resolve(file)).href);
  const js = !values["no-js"];
  const pages = await walk(journey, { ...values, js, facts: JSON.parse(values.facts) });
  if (pages === 0) throw new Error("the journey came to no page of the service");
  console.log(JSON.stringify({ walked: file, pages, js }));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  endWithParent();
  main().then(
    () => process.exit(0),
    (error) => {
      console.error(error instanceof PageFault ? error.message : error);
      process.exit(1);
    },
  );
}
