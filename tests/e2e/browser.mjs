// Chromium as the other browser tests start it, and pages that fail their test when anything goes wrong behind it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const settings = JSON.parse(readFileSync(new URL("../../webdriver.json", import.meta.url), "utf8"));
const { binary, args } = settings["goog:chromeOptions"];

// What a Chromium without a screen needs to open the machine's own adapter; a visitor's needs none of it.
const REAL = ["--enable-features=Vulkan", "--use-angle=vulkan", "--disable-vulkan-surface", "--ignore-gpu-blocklist"];

/**
 * Starts Chromium with the flags of `webdriver.json` and `extra` ones; without WebGPU, it gets no adapter. `graphics` is
 * "emulated", as in every test, or "real". Its windows are private ones, unless `profile` is a folder for what it stores.
 */
export async function startBrowser({ webgpu = true, graphics = "emulated", extra = [], profile = null } = {}) {
  const real = graphics === "real";
  const unwanted = (flag) =>
    flag.startsWith("--headless") || (flag.includes("webgpu") && !webgpu) || (flag.includes("adapter") && real);
  const flags = [...args.filter((flag) => !unwanted(flag)), ...(real ? REAL : [])];
  const options = { executablePath: process.env.CHROMIUM || binary, args: [...flags, ...extra] };
  if (!profile) return chromium.launch(options);
  const context = await chromium.launchPersistentContext(profile, { ...options, serviceWorkers: "block" });
  return { newContext: async () => context, close: () => context.close() };
}

/** Keeps what no page of a visit must do: log errors, break its own policy, ask another origin, miss a file. */
function watch(context, address) {
  const troubles = [];
  const { origin } = new URL(address);
  context.on("console", (message) => {
    if (message.type() === "error") troubles.push(`console: ${message.text()} (${message.location().url})`);
  });
  context.on("weberror", (error) => troubles.push(`error: ${error.error().message}`));
  context.on("page", (page) => page.on("crash", () => troubles.push("the page crashed")));
  context.on("response", (response) => {
    if (response.status() >= 400) troubles.push(`${response.status()}: ${response.url()}`);
  });
  // Of the pages, their workers and the service worker.
  context.on("request", (request) => {
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
    // A damaged page that says so itself has no such place.
    if (!place) return;
    const note = () => globalThis.states.push(place.dataset.state);
    new MutationObserver(note).observe(place, { attributeFilter: ["data-state"] });
    note();
  });
}

/**
 * Opens the page, lets `use` work with it, and then asserts that nothing went wrong unseen but what `expected` matches.
 * `prepare` gets the page before it is opened. The service worker would fetch the whole page in every test, and is kept
 * from it but where `serviceWorkers` is "allow".
 */
export async function withPage(browser, address, use, options = {}) {
  const { width = 1280, height = 900, prepare = () => {}, expected = /^$/, serviceWorkers = "block" } = options;
  const context = await browser.newContext({ viewport: { width, height }, serviceWorkers });
  try {
    await context.addInitScript(observe);
    const troubles = watch(context, address);
    const page = await context.newPage();
    await prepare(page);
    await page.goto(address);
    const result = await use(page);
    const unexpected = troubles.filter((trouble) => /policy/i.test(trouble) || !expected.test(trouble));
    assert.deepEqual(unexpected, [], "the page did what it must not");
    return result;
  } finally {
    await context.close();
  }
}
