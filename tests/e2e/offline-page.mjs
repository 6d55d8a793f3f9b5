// The built page with its service worker, on a site whose connection can be cut.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";
import { startBrowser, withPage } from "./browser.mjs";
import { oneClipPerGenre } from "./clips.mjs";
import { assertDistribution, choose, genres } from "./genrelens-page.mjs";
import { madeFolder } from "./made.mjs";
import { DIST, startSite } from "./site.mjs";

export const MINUTE = 60_000;
/** What browsers log of requests that cannot be made. */
export const NO_CONNECTION = /net::ERR_|service-worker|fetching the script|Failed to fetch|NetworkError/i;

export const [{ file: song }] = oneClipPerGenre();
const networks = JSON.parse(readFileSync(join(DIST, "model-weights/networks.json"), "utf8"));
export const { first } = networks;
/** One that is fetched on request, and has no backbone. */
export const other = networks.networks.find(({ name, backbones }) => name !== first && !backbones.length).name;
/** Chosen, the first network is refined by no other. */
export const PLAIN = `?engine=cpu&network=${first}`;

/**
 * A browser for the tests of the calling file. `visit` gives every test a site of its own and a page with the service
 * worker.
 */
export function offlinePage() {
  let browser;
  before(async () => {
    browser = await startBrowser();
  });
  after(() => browser?.close());
  return async function visit(query, use, { base, ...options } = {}) {
    const site = await startSite({ base });
    try {
      const settings = { serviceWorkers: "allow", ...options, prepare: (page) => options.prepare?.(page, site) };
      return await withPage(browser, `${site.address}${query}`, (page) => use(page, site), settings);
    } finally {
      site.stop();
    }
  };
}

export const standing = (page, state) => page.locator(`#offline[data-offline="${state}"]`).waitFor({ timeout: 4 * MINUTE });
export const ready = (page) => standing(page, "ready");

export async function disconnect(page, site) {
  site.down = true;
  await page.context().setOffline(true);
}

export async function connect(page, site) {
  site.down = false;
  await page.context().setOffline(false);
}

export async function answers(page, options) {
  await page.setInputFiles("#file", []);
  await choose(page, song, options);
  assertDistribution(await genres(page));
}

/** Trains a network of two made-up classes, saves its weights and opens them again. */
export async function trainSaveAndOpen(page) {
  await page.click("#view-train");
  await page.setInputFiles("#train-folder", madeFolder({ noise: 5, tone: 5 }));
  await page.locator("#train-count", { hasText: /10\sclips in 2 classes/ }).waitFor({ timeout: MINUTE });
  await page.selectOption("#train-model", "lens");
  await page.locator("#train summary", { hasText: "All settings" }).click();
  await page.fill("#train-epochs", "2");
  await page.click("#train-start");
  await page.locator("#results").waitFor({ timeout: 3 * MINUTE });
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#results-save")]);
  const weights = readFileSync(await download.path());
  assert.ok(weights.length > 50_000, "weights were saved");
  const file = { name: download.suggestedFilename(), mimeType: "application/octet-stream", buffer: weights };
  await page.setInputFiles("#storage-import", file);
  await page.locator("#storage-notice", { hasText: / as “my network \d+”/ }).waitFor({ timeout: MINUTE });
  await page.click("#view-classify");
}
