// Faults of what the page stores: clips that are deleted because something else cannot be read, networks that a full disk
// loses, connections and tabs that come and go, microphones that stay open.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startBrowser, withPage } from "./browser.mjs";
import { builtPage } from "./built.mjs";
import { oneClipPerGenre } from "./clips.mjs";
import { fillDisk, keys, keysWhen, put, stored } from "./database.mjs";
import { watched } from "./faulty-workers.mjs";
import { choose } from "./genrelens-page.mjs";
import { madeFolder } from "./made.mjs";
import { microphoneIsOff, recorded, watchMicrophone } from "./microphone.mjs";
import { chooseModel, collect } from "./training-page.mjs";

const MINUTE = 60_000;
const CPU = "?engine=cpu&network=net1-gtzan";
const [{ file: song }] = oneClipPerGenre();
const built = builtPage();

const added = (page, folder = madeFolder({ noise: 4, tone: 4 })) => collect(page, folder, 8, 2);

async function train(page, epochs = 1) {
  await chooseModel(page, "lens", epochs);
  await page.locator("#train-start:enabled").click({ timeout: MINUTE });
  await page.locator("#results").waitFor({ timeout: MINUTE });
  await page.locator('#page[data-stage="idle"]').waitFor();
}

/** Waits until the page says that something is not stored. */
const saysTrouble = (page, timeout = 15_000) => page.locator("#storage-error:not(:empty)").waitFor({ timeout });

const DAMAGE = {
  "that cannot be read": { classes: "of a later version" },
  "of a later version": { version: 99, classes: [{ title: "jazz", members: [1, 2] }] },
};

for (const [what, value] of Object.entries(DAMAGE)) {
  test(`2: a stored dataset ${what} costs no clip`, { timeout: 2 * MINUTE }, () =>
    built.open(
      CPU,
      async (page) => {
        await added(page);
        await stored(page);
        await keysWhen(page, "clips", (found) => found.length === 8);
        await put(page, "values", "collection", value);
        await page.reload();
        await page.locator('#engine[data-engine="cpu"]').waitFor({ timeout: MINUTE });
        await page.click("#view-train");
        const said = page.locator("#storage-error", { hasText: "not readable by this version" });
        await said.waitFor({ timeout: MINUTE });
        // What is deleted goes at the start of a visit.
        await page.waitForTimeout(1500);
        assert.equal((await keys(page, "clips")).length, 8, "the clips are still stored");
        // Nor do they go with the next change.
        await page.fill("#class-name", "later");
        await page.press("#class-name", "Enter");
        await page.locator("#train-count", { hasText: "in 1 class" }).waitFor();
        await page.waitForTimeout(1500);
        await page.reload();
        await page.locator('#engine[data-engine="cpu"]').waitFor({ timeout: MINUTE });
        await page.click("#view-train");
        await said.waitFor({ timeout: MINUTE });
        await page.waitForTimeout(1500);
        assert.equal((await keys(page, "clips")).length, 8, "the clips outlive the next change and the next visit");
      },
    ),
  );
}

test("2: a stored network or run that cannot be read is not deleted", { timeout: 2 * MINUTE }, () =>
  built.open(
    CPU,
    async (page) => {
      await added(page);
      await train(page);
      await stored(page);
      await put(page, "networks", "of a later version", { card: { form: 2 }, weights: [1, 2, 3] });
      await put(page, "runs", "001796027196659", { when: 1, outcome: { form: 2 } });
      await page.reload();
      await page.locator('#network-choice option[value="my network"]').waitFor({ state: "attached", timeout: MINUTE });
      await page.click("#view-train");
      await page.click('#storage-networks [data-act="delete"][data-network="my network"]');
      await keysWhen(page, "networks", (found) => !found.includes("my network"));
      assert.deepEqual(await keys(page, "networks"), ["of a later version"]);
      assert.ok((await keys(page, "runs")).includes("001796027196659"));
    },
  ),
);

test("3: a network that met a full disk is stored once there is room", { timeout: 3 * MINUTE }, () =>
  built.open(
    CPU,
    async (page) => {
      await fillDisk(page, "networks");
      await added(page);
      await train(page);
      await saysTrouble(page);
      await page.waitForTimeout(1000);
      assert.notEqual(await page.locator("#storage").getAttribute("data-storage"), "saved", "it is not stored");
      assert.deepEqual(await keys(page, "networks"), []);
      await page.evaluate(() => (globalThis.full = false));
      // As the sentence advises.
      await page.locator('[data-act="remove-class"]').first().click();
      await keysWhen(page, "networks", (found) => found.includes("my network"));
      await stored(page);
      await page.locator("#storage-error").waitFor({ state: "hidden", timeout: 10_000 });
    },
  ),
);

test("3: clips that met a full disk are stored once there is room", { timeout: 3 * MINUTE }, () =>
  built.open(
    CPU,
    async (page) => {
      await fillDisk(page, "clips");
      await added(page);
      await saysTrouble(page);
      await page.evaluate(() => (globalThis.full = false));
      await page.locator('[data-act="remove-class"]').first().click();
      await keysWhen(page, "clips", (found) => found.length >= 4);
      await page.locator("#storage-error").waitFor({ state: "hidden", timeout: 10_000 });
    },
  ),
);

const recording = (use) => built.open(CPU, use, { prepare: watchMicrophone });

async function record(page) {
  await page.locator("#train-record:enabled").click();
  await recorded(page, 1);
}

test("9: nobody deletes everything while a clip is recorded, though the question was open before", { timeout: 3 * MINUTE }, () =>
  recording(async (page) => {
    await added(page);
    await stored(page);
    await page.click("#storage-delete-all");
    await page.locator("#storage-ask").waitFor();
    await record(page);
    await page.locator("#storage-ask").waitFor({ state: "hidden" });
    await page.locator("#storage-delete-all:disabled").waitFor();
    await page.click("#record-stop");
    await keysWhen(page, "clips", (found) => found.length === 9);
    await microphoneIsOff(page);
    // The question was not answered, and is there again.
    await page.locator("#storage-ask").waitFor();
    await page.click("#storage-delete-confirm");
    await keysWhen(page, "clips", (found) => !found.length);
  }),
);

test("9: a microphone that is unplugged ends the recording", { timeout: 3 * MINUTE }, () =>
  recording(async (page) => {
    await page.click("#view-train");
    await record(page);
    await page.evaluate(() =>
      globalThis.tracks.forEach((track) => {
        track.stop();
        // The browser says so only of tracks that end by themselves.
        track.dispatchEvent(new Event("ended"));
      }),
    );
    await page.locator("#record-box").waitFor({ state: "hidden", timeout: 5000 });
    await page.locator("#train-count, #train-notice:not(:empty)").first().waitFor({ timeout: 10_000 });
  }),
);

test("9: a recording's length does not go by a clock that can be set back", { timeout: 3 * MINUTE }, () =>
  recording(async (page) => {
    await page.click("#view-train");
    await record(page);
    await page.evaluate(() => {
      const now = Date.now;
      Date.now = () => now() - 3_600_000;
    });
    await recorded(page, 3);
    await page.click("#record-stop");
    await keysWhen(page, "clips", (found) => found.length === 1);
  }),
);

test("13: two files whose networks have one name get a name each, as told", { timeout: 2 * MINUTE }, () =>
  built.open(CPU, async (page) => {
    await added(page);
    await train(page);
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("#results-save")]);
    const buffer = readFileSync(await download.path());
    const file = (name) => ({ name, mimeType: "", buffer });
    await page.setInputFiles("#storage-import", [file("a.safetensors"), file("b.safetensors")]);
    await page.locator("#storage-networks li").nth(2).waitFor({ timeout: MINUTE });
    await stored(page);
    const names = await page.$$eval('#storage-networks [data-act="rename"]', (inputs) => inputs.map(({ value }) => value));
    assert.deepEqual(names, ["my network", "my network 2", "my network 3"]);
    assert.deepEqual(await keys(page, "networks"), names);
    await page.locator("#storage-notice", { hasText: "my network 3" }).waitFor();
  }),
);

test("17: another version of the page may change the database, and this one says so", { timeout: 2 * MINUTE }, () =>
  built.open(
    CPU,
    async (page) => {
      await added(page);
      await stored(page);
      const upgraded = await page.evaluate(
        () =>
          new Promise((done) => {
            const opening = indexedDB.open(`genrelens-taught-1 ${new URL("./", location).pathname}`, 2);
            opening.onsuccess = () => (opening.result.close(), done("upgraded"));
            opening.onerror = () => done(String(opening.error));
            setTimeout(done, 5000, "blocked by the page");
          }),
      );
      assert.equal(upgraded, "upgraded");
      await saysTrouble(page);
    },
  ),
);

// In a private window, Chromium stores references to the files on the disk.
test("17: a run trains on the stored clips, not on files that have changed since", { timeout: 2 * MINUTE }, async () => {
  const folder = madeFolder({ noise: 4, tone: 4 });
  const browser = await startBrowser({ profile: mkdtempSync(join(tmpdir(), "genrelens-profile-")) });
  try {
    // The first thumbnail is asked for with the file as it was, and made from the file as it is then.
    const prepare = (page) => watched(page, { faults: [{ request: "Thumbnail", does: "hold", times: 1 }] });
    const use = async (page) => {
      await added(page, folder);
      await stored(page);
      rmSync(join(folder, "noise"), { recursive: true });
      for (const clip of [0, 1, 2, 3]) writeFileSync(join(folder, "tone", `${clip}.wav`), "no music any more");
      await page.evaluate(() => globalThis.workers.forEach((worker) => worker.release()));
      await train(page);
      assert.equal(await page.locator("#train-error").innerText(), "");
      await page.locator("#results-sentence", { hasText: /Of 2\sclips/ }).waitFor();
    };
    await withPage(browser, `${built.address}${CPU}`, use, { prepare });
  } finally {
    await browser.close();
  }
});

test("18: storage whose mere touch throws keeps no answer and no training back", { timeout: 2 * MINUTE }, () =>
  built.open(
    CPU,
    async (page) => {
      await choose(page, song);
      await added(page);
      await train(page);
      await page.click("#results-use");
      await page.locator('#network-choice[data-in-use="my network"]').waitFor({ timeout: MINUTE });
      await page.click("#view-train");
      const [download] = await Promise.all([page.waitForEvent("download"), page.click("#results-save")]);
      assert.ok(readFileSync(await download.path()).length > 10_000);
    },
    {
      prepare: (page) =>
        page.addInitScript(() => {
          const get = () => {
            throw new DOMException("The operation is insecure.", "SecurityError");
          };
          for (const name of ["indexedDB", "caches", "localStorage", "sessionStorage"]) {
            Object.defineProperty(globalThis, name, { get });
          }
          for (const name of ["storage", "locks", "serviceWorker"]) Object.defineProperty(Navigator.prototype, name, { get });
        }),
    },
  ),
);

test("19: what is saved is not taken away before the browser has it", { timeout: 2 * MINUTE }, () =>
  built.open(
    CPU,
    async (page) => {
      await added(page);
      await stored(page);
      await Promise.all([page.waitForEvent("download"), page.click("#train-export")]);
      await page.waitForTimeout(500);
      const waited = () => globalThis.saved.map(({ clicked, revoked = performance.now() }) => revoked - clicked);
      const waits = await page.evaluate(waited);
      assert.equal(waits.length, 1);
      assert.ok(waits[0] > 300, `its address was revoked ${waits[0]} ms after the click`);
    },
    {
      prepare: (page) =>
        page.addInitScript(() => {
          globalThis.saved = [];
          const { click } = HTMLElement.prototype;
          HTMLElement.prototype.click = function () {
            if (this.download) globalThis.saved.push({ url: this.href, clicked: performance.now() });
            click.call(this);
          };
          const revoke = URL.revokeObjectURL;
          URL.revokeObjectURL = (url) => {
            const save = globalThis.saved.find((save) => save.url === url);
            if (save) save.revoked = performance.now();
            revoke.call(URL, url);
          };
        }),
    },
  ),
);
