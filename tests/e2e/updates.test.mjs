// Newer builds of the page: offered and never forced, and no file of one build beside those of another.
import assert from "node:assert/strict";
import { appendFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { anotherBuild, fileNamed, retrain } from "./builds.mjs";
import { useNetwork, waitForAnswerBy } from "./genrelens-page.mjs";
import { madeFolder } from "./made.mjs";
import { answers, disconnect, first, MINUTE, NO_CONNECTION, offlinePage, other, PLAIN, ready } from "./offline-page.mjs";

const visit = offlinePage();

const offered = (page) =>
  page.locator("#update-text", { hasText: "A new version of GenreLens is ready" }).waitFor({ timeout: 3 * MINUTE });

const isRenewed = (page) =>
  page.evaluate(async () => {
    const script = document.querySelector("script[data-wasm]").src;
    return (await (await fetch(script)).text()).includes("Another build");
  });

test("a newer build is offered; declined, the old one goes on; accepted, the new one works offline", {
  timeout: 10 * MINUTE,
}, () => {
  const weights = [];
  return visit(
    PLAIN,
    async (page, site) => {
      await ready(page);
      site.folder = anotherBuild();
      page.context().on("request", (request) => request.url().includes(".safetensors") && weights.push(request.url()));
      await page.reload();
      await offered(page);
      assert.equal(await isRenewed(page), false, "not unasked");
      await page.click("#update-later");
      // It goes with the next frame.
      await page.locator("#update-box").waitFor({ state: "hidden", timeout: MINUTE });
      await answers(page);
      await page.reload();
      await offered(page);
      assert.equal(await isRenewed(page), false, "declined, the old one goes on");
      await answers(page);

      await Promise.all([page.waitForEvent("load", { timeout: MINUTE }), page.click("#update-now")]);
      await ready(page);
      assert.equal(await isRenewed(page), true);
      assert.equal(await page.locator("#update-box").isVisible(), false);
      assert.deepEqual(weights, [], "the weights outlive the version");
      const shells = await page.evaluate(async () => (await caches.keys()).filter((name) => name.includes("-shell-")));
      assert.equal(shells.length, 1, `only the new version is kept: ${shells}`);
      await disconnect(page, site);
      await page.reload();
      assert.equal(await isRenewed(page), true);
      await answers(page);
    },
    { expected: NO_CONNECTION },
  );
});

test("a newer build with other weights answers offline from its first moment", { timeout: 8 * MINUTE }, () =>
  visit(
    PLAIN,
    async (page, site) => {
      await ready(page);
      site.folder = anotherBuild((folder) => retrain(folder, first));
      await page.reload();
      await offered(page);
      await answers(page);
      // Before it is accepted, so that the page itself cannot fetch what is missing.
      await disconnect(page, site);
      await Promise.all([page.waitForEvent("load", { timeout: MINUTE }), page.click("#update-now")]);
      await ready(page);
      assert.equal(await isRenewed(page), true);
      await answers(page);
    },
    { expected: NO_CONNECTION },
  ),
);

for (const [what, change] of [
  ["has other weights for", retrain],
  ["no longer has", (folder, name) => ["json", "safetensors"].forEach((end) => rmSync(join(folder, "model-weights", `${name}.${end}`)))],
]) {
  test(`a newer build that ${what} a network is named and offered when that network is wanted`, { timeout: 8 * MINUTE }, () =>
    visit(
      PLAIN,
      async (page, site) => {
        await ready(page);
        site.folder = anotherBuild((folder) => change(folder, other));
        await page.reload();
        await offered(page);
        await page.click("#update-later");
        await page.locator("#update-box").waitFor({ state: "hidden", timeout: MINUTE });
        await page.selectOption("#network-choice", other);
        await page.locator("#network-error", { hasText: "newer version of GenreLens" }).waitFor({ timeout: MINUTE });
        await offered(page);
        await page.locator("#offline summary").click();
        await page.click(`[data-download="${other}"]`);
        await page.locator("#offline-error", { hasText: "newer version of GenreLens" }).waitFor({ timeout: MINUTE });
        // The network in use is that of the old build, whole.
        await answers(page);
        await Promise.all([page.waitForEvent("load", { timeout: MINUTE }), page.click("#update-now")]);
        await ready(page);
        if (change !== retrain) return;
        await answers(page);
        await useNetwork(page, other);
        await waitForAnswerBy(page, other);
      },
      { expected: /404/ },
    ),
  );
}

test("a visitor who comes back meets the new worker and weights, on a host whose files may be kept", {
  timeout: 5 * MINUTE,
}, () =>
  visit(
    PLAIN,
    async (page, site) => {
      await answers(page);
      let sha256;
      site.folder = anotherBuild((folder) => {
        sha256 = retrain(folder, first);
        appendFileSync(join(folder, fileNamed(folder, "cpu_worker.js")), "globalThis.ofAnotherBuild = true;\n");
      });
      // The cache may be used, but for the page itself, as browsers reload.
      await page.reload();
      await answers(page);
      const worker = page.workers().find((worker) => worker.url().includes("cpu_worker"));
      assert.equal(await worker.evaluate(() => globalThis.ofAnotherBuild), true, "the worker is that of the page's build");
      await page.waitForFunction(
        async (sha256) => {
          const name = (await caches.keys()).find((name) => name.startsWith("genrelens-weights"));
          const weights = name ? await (await caches.open(name)).keys() : [];
          return weights.some(({ url }) => url.endsWith(sha256));
        },
        sha256,
        { timeout: MINUTE },
      );
    },
    { maxAge: 600, serviceWorkers: "block" },
  ),
);

test("a run that ends in a hidden tab holds no update back", { timeout: 8 * MINUTE }, () =>
  visit(
    PLAIN,
    async (page, site) => {
      await ready(page);
      const hidden = await page.context().newPage();
      await hidden.goto(`${site.address}${PLAIN}`);
      await hidden.click("#view-train");
      await hidden.setInputFiles("#train-folder", madeFolder({ noise: 5, tone: 5 }));
      await hidden.locator("#train-count", { hasText: /10\sclips in 2 classes/ }).waitFor({ timeout: MINUTE });
      await hidden.selectOption("#train-model", "lens");
      await hidden.locator("#train summary", { hasText: "All settings" }).click();
      await hidden.fill("#train-epochs", "30");
      await hidden.click("#train-start");
      await hidden.locator("#train-progress-text", { hasText: /Training: step/ }).waitFor({ timeout: 2 * MINUTE });
      // A tab that nobody looks at draws no frames.
      await hidden.evaluate(() => (globalThis.requestAnimationFrame = () => 0));
      site.folder = anotherBuild();
      await page.reload();
      await offered(page);
      let renewed = false;
      page.once("load", () => (renewed = true));
      const busy = page.locator("#update-text", { hasText: "Another tab is training" });
      await page.click("#update-now");
      await busy.waitFor({ timeout: MINUTE });
      const deadline = Date.now() + 3 * MINUTE;
      while (!renewed && Date.now() < deadline) {
        // The page may be reloaded meanwhile.
        await page.click("#update-now", { timeout: 2000 }).catch(() => {});
        await page.waitForTimeout(1000);
      }
      assert.ok(renewed, "the run has ended, and the update still waits for it");
      await ready(page);
      assert.equal(await isRenewed(page), true);
    },
    { expected: NO_CONNECTION },
  ),
);
