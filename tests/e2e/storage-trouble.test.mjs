// What happens to what is stored when the connection to it is lost, another tab has it, or the browser refuses locks.
import { test } from "node:test";
import { builtPage } from "./built.mjs";
import { keysWhen, stored } from "./database.mjs";
import { madeFolder } from "./made.mjs";
import { collect } from "./training-page.mjs";

const MINUTE = 60_000;
const QUERY = "?engine=cpu&network=net1-gtzan";

const { open } = builtPage();

function counted(page, text) {
  return page.locator("#train-count", { hasText: text }).waitFor({ timeout: MINUTE });
}

test("17: a second tab takes over when the first is closed", { timeout: 4 * MINUTE }, () =>
  open(QUERY, async (first) => {
    await collect(first, madeFolder({ noise: 2, tone: 2 }), 4, 2);
    await stored(first);
    const second = await first.context().newPage();
    await second.goto(first.url());
    await second.click("#view-train");
    await second.locator("#storage-error", { hasText: "This page is open in another tab" }).waitFor({ timeout: MINUTE });
    await second.setInputFiles("#train-folder", madeFolder({ hum: 2 }));
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

test("17: what the page has is stored again after the site's data was cleared", { timeout: 4 * MINUTE }, () =>
  open(QUERY, async (page) => {
    await collect(page, madeFolder({ noise: 2, tone: 2 }), 4, 2);
    await stored(page);
    const protocol = await page.context().newCDPSession(page);
    await protocol.send("Storage.clearDataForOrigin", { origin: new URL(page.url()).origin, storageTypes: "indexeddb" });
    await keysWhen(page, "clips", (found) => found.length === 4);
    await stored(page);
    await page.locator("#storage-error").waitFor({ state: "hidden" });
    await page.reload();
    await page.click("#view-train");
    await counted(page, /4\sclips in 2 classes/);
  }),
);

test("18: a browser that refuses locks stores all the same", { timeout: 4 * MINUTE }, () =>
  open(
    QUERY,
    async (page) => {
      await collect(page, madeFolder({ noise: 2, tone: 2 }), 4, 2);
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
