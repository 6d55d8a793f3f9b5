// What goes wrong with the storage of the built page: two tabs, cleared site data, an engine that starts late, a browser
// that refuses everything.
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtPage } from "./built.mjs";
import { madeFolder } from "./made.mjs";

const MINUTE = 60_000;
const QUERY = "?engine=cpu&network=net1-gtzan";

const { open } = builtPage();

async function collect(page, classes) {
  await page.click("#view-train");
  await page.setInputFiles("#train-folder", madeFolder(classes));
}

function counted(page, text) {
  return page.locator("#train-count", { hasText: text }).waitFor({ timeout: MINUTE });
}

function stored(page) {
  return page.locator('#storage[data-storage="saved"]').waitFor({ state: "attached", timeout: MINUTE });
}

async function start(page, epochs) {
  await page.selectOption("#train-model", "lens");
  if (!(await page.locator("#train-epochs").isVisible())) {
    await page.locator("#train summary", { hasText: "All settings" }).click();
  }
  await page.fill("#train-epochs", String(epochs));
  await page.click("#train-start");
}

function training(page) {
  return page.locator("#train-progress-text", { hasText: /Training: step/ }).waitFor({ timeout: MINUTE });
}

test("a second tab takes over when the first is closed", { timeout: 4 * MINUTE }, () =>
  open(QUERY, async (first) => {
    await collect(first, { noise: 2, tone: 2 });
    await counted(first, /4\sclips in 2 classes/);
    await stored(first);
    const second = await first.context().newPage();
    await second.goto(first.url());
    await second.click("#view-train");
    await second.locator("#storage-error", { hasText: "This page is open in another tab" }).waitFor({ timeout: MINUTE });
    await collect(second, { hum: 2 });
    await counted(second, /2\sclips in 1 class/);
    await first.close();
    await counted(second, /6\sclips in 3 classes/);
    await second.locator("#storage-error").waitFor({ state: "hidden" });
    await stored(second);
    await second.reload();
    await second.click("#view-train");
    await counted(second, /6\sclips in 3 classes/);
  }),
);

test("what the page has is stored again after the site's data was cleared", { timeout: 4 * MINUTE }, () =>
  open(QUERY, async (page) => {
    await collect(page, { noise: 2, tone: 2 });
    await counted(page, /4\sclips in 2 classes/);
    await stored(page);
    const protocol = await page.context().newCDPSession(page);
    await protocol.send("Storage.clearDataForOrigin", { origin: new URL(page.url()).origin, storageTypes: "indexeddb" });
    await page.waitForTimeout(2000);
    await stored(page);
    await page.reload();
    await page.click("#view-train");
    await counted(page, /4\sclips in 2 classes/);
  }),
);

// In the page, before its scripts: the second worker, which is the first that trains, greets late; counts the steps.
function greetLate(milliseconds) {
  const Native = globalThis.Worker;
  Object.assign(globalThis, { steps: 0, workers: 0 });
  globalThis.Worker = class extends Native {
    constructor(url, ...rest) {
      super(url, ...rest);
      this.addEventListener("message", ({ data }) => (globalThis.steps += data?.head?.body?.Step ? 1 : 0));
      globalThis.workers += 1;
      if (globalThis.workers !== 2) return;
      Object.defineProperty(this, "onmessage", {
        set: (hear) => hear && this.addEventListener("message", (event) => setTimeout(() => hear(event), milliseconds)),
      });
    }
  };
}

test("an engine that starts late does not take the place of the one that trains", { timeout: 4 * MINUTE }, () =>
  open(
    QUERY,
    async (page) => {
      await collect(page, { noise: 4, tone: 4 });
      await counted(page, /8\sclips in 2 classes/);
      await start(page, 5000); // Its engine is slow to start…
      await page.click("#train-stop");
      await start(page, 5000); // …and would take the place of this one's.
      await training(page);
      await page.waitForTimeout(12_000);
      await page.click("#train-stop");
      await page.locator('#page[data-stage="idle"]').waitFor();
      await page.waitForTimeout(2000);
      const steps = await page.evaluate(() => globalThis.steps);
      await page.waitForTimeout(3000);
      assert.equal(await page.evaluate(() => globalThis.steps), steps, "it still trains");
    },
    { prepare: (page) => page.addInitScript(greetLate, 10_000) },
  ),
);

test("a browser that throws at the touch of its storage still answers and trains", { timeout: 4 * MINUTE }, () =>
  open(
    QUERY,
    async (page) => {
      await collect(page, { noise: 4, tone: 4 });
      await counted(page, /8\sclips in 2 classes/);
      const said = page.locator("#storage-error", { hasText: "store anything (The operation is insecure)." });
      await said.waitFor({ timeout: MINUTE });
      await start(page, 3);
      await page.locator("#results").waitFor({ timeout: 2 * MINUTE });
      assert.equal(await page.locator("#train-error").innerText(), "", "no trouble");
    },
    {
      prepare: (page) =>
        page.addInitScript(() => {
          const get = () => {
            throw new DOMException("The operation is insecure.", "SecurityError");
          };
          for (const name of ["indexedDB", "caches", "localStorage", "sessionStorage"]) {
            Object.defineProperty(globalThis, name, { configurable: true, get });
          }
          for (const name of ["storage", "locks", "serviceWorker"]) {
            Object.defineProperty(navigator, name, { configurable: true, get });
          }
        }),
    },
  ),
);

test("a browser that refuses locks stores all the same", { timeout: 4 * MINUTE }, () =>
  open(
    QUERY,
    async (page) => {
      await collect(page, { noise: 2, tone: 2 });
      await counted(page, /4\sclips in 2 classes/);
      await stored(page);
      await page.reload();
      await page.click("#view-train");
      await counted(page, /4\sclips in 2 classes/);
    },
    {
      prepare: (page) =>
        page.addInitScript(() => {
          const request = () => Promise.reject(new DOMException("The operation is insecure.", "SecurityError"));
          Object.defineProperty(navigator, "locks", { configurable: true, value: { request } });
        }),
    },
  ),
);
