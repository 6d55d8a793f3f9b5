// The page as `cargo xtask serve` serves it first: it works on the CPU while its GPU engine is being built, stores nothing,
// and offers to load the whole page once that is there.
import assert from "node:assert/strict";
import { test } from "node:test";
import { buildWithoutGpu } from "./builds.mjs";
import { waitForEngine } from "./genrelens-page.mjs";
import { answers, first, MINUTE, NO_CONNECTION, offlinePage, ready } from "./offline-page.mjs";
import { DIST } from "./site.mjs";

const visit = offlinePage();
const withoutGpu = buildWithoutGpu();
const prepare = (_, site) => {
  site.folder = withoutGpu;
};

const says = (page, pattern) => page.locator("#engine", { hasText: pattern }).waitFor({ timeout: MINUTE });
const workers = (page) =>
  page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length);

test("the page works on the CPU until its GPU engine is built, and then offers to load all of it", {
  timeout: 8 * MINUTE,
}, () =>
  visit(
    `?network=${first}`,
    async (page, site) => {
      await says(page, /processor \(CPU\): the GPU engine is still being built/);
      await answers(page);
      await waitForEngine(page, "CPU", MINUTE);
      // Chosen by hand there is none either, and nothing waits for it.
      await page.selectOption("#engine-choice", "gpu");
      await answers(page);
      await says(page, /still being built/);
      await page.locator("#offline-status", { hasText: "still being built" }).waitFor({ timeout: MINUTE });
      assert.equal(await page.locator("#offline-enable").isVisible(), false, "nothing to try again");
      assert.equal(await workers(page), 0, "a page that is not whole is not stored");

      // A server that is gone for a while is no whole page, and a page that is asked for again is the same one.
      site.down = true;
      await page.waitForTimeout(6000);
      site.down = false;
      await page.waitForTimeout(6000);
      assert.equal(await page.locator("#update-box").isVisible(), false, "not before it is there");

      site.folder = DIST;
      await page.locator("#update-text", { hasText: "The GPU engine is built" }).waitFor({ timeout: MINUTE });
      await answers(page);
      await Promise.all([page.waitForEvent("load", { timeout: MINUTE }), page.click("#update-now")]);
      // This browser has only an emulated adapter.
      await says(page, /emulated/);
      assert.equal(await page.locator("#update-box").isVisible(), false);
      await ready(page);
      assert.equal(await workers(page), 1);
    },
    { prepare, expected: NO_CONNECTION },
  ),
);

test("whoever loads the page again meets the whole page, which offers nothing", { timeout: 5 * MINUTE }, () =>
  visit(
    `?engine=cpu&network=${first}`,
    async (page, site) => {
      await answers(page);
      site.folder = DIST;
      await page.reload();
      await ready(page);
      await page.waitForTimeout(6000);
      assert.equal(await page.locator("#update-box").isVisible(), false);
      await answers(page);
    },
    { prepare, expected: NO_CONNECTION },
  ),
);
