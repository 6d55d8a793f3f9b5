// Chromium as the other browser tests start it, and pages that fail their test when anything goes wrong behind it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const settings = JSON.parse(readFileSync(new URL("../../webdriver.json", import.meta.url), "utf8"));
const { binary, args } = settings["goog:chromeOptions"];

/** Starts Chromium with the flags of `webdriver.json` and `extra` ones; without WebGPU, it gets no adapter. */
export function startBrowser({ webgpu = true, extra = [] } = {}) {
  const flags = args.filter((flag) => !flag.startsWith("--headless") && (webgpu || !flag.includes("webgpu")));
  return chromium.launch({ executablePath: process.env.CHROMIUM || binary, args: [...flags, ...extra] });
}

/** Keeps what the page must not do: log errors, break its own policy, ask another origin, miss a file. */
function watch(page, address) {
  const troubles = [];
  const { origin } = new URL(address);
  page.on("console", (message) => {
    if (message.type() === "error") troubles.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => troubles.push(`error: ${error.message}`));
  page.on("crash", () => troubles.push("the page crashed"));
  page.on("response", (response) => {
    if (response.status() >= 400) troubles.push(`${response.status()}: ${response.url()}`);
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    const local = url.origin === origin || url.protocol === "blob:" || url.protocol === "data:";
    if (!local) troubles.push(`asked another origin: ${url}`);
  });
  return troubles;
}

// Runs in the page before its own scripts: keeps every state the page has drawn, and how many it had when a file was last
// given to it, so that a test can wait for what follows its own action; and reports what the Content-Security-Policy
// stopped.
function observe() {
  globalThis.states = [];
  const given = () => (globalThis.statesBeforeFile = globalThis.states.length);
  addEventListener("drop", given, true);
  addEventListener("change", ({ target }) => target.type === "file" && given(), true);
  document.addEventListener("securitypolicyviolation", (event) => {
    console.error(`policy: ${event.violatedDirective} stopped ${event.blockedURI}`);
  });
  addEventListener("DOMContentLoaded", () => {
    const place = document.querySelector("[data-state]");
    const note = () => globalThis.states.push(place.dataset.state);
    new MutationObserver(note).observe(place, { attributeFilter: ["data-state"] });
    note();
  });
}

/**
 * Opens the page, lets `use` work with it, and then asserts that nothing went wrong unseen but what `expected` matches.
 * `prepare` gets the page before it is opened.
 */
export async function withPage(browser, address, use, options = {}) {
  const { width = 1280, height = 900, prepare = () => {}, expected = /^$/ } = options;
  const context = await browser.newContext({ viewport: { width, height } });
  try {
    await context.addInitScript(observe);
    const page = await context.newPage();
    const troubles = watch(page, address);
    await prepare(page);
    await page.goto(address);
    const result = await use(page);
    const unexpected = troubles.filter((trouble) => !expected.test(trouble));
    assert.deepEqual(unexpected, [], "the page did what it must not");
    return result;
  } finally {
    await context.close();
  }
}
