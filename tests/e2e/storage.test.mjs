// What the built page stores on the device from one visit to the next: a reload is the next visit, another context
// another browser.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { builtPage } from "./built.mjs";
import { keys, keysWhen, stored } from "./database.mjs";
import { eventually } from "./eventually.mjs";
import { assertClose, choose, probabilities, useNetwork, waitForAnswerBy } from "./genrelens-page.mjs";
import { madeFolder, wav } from "./made.mjs";

const MINUTE = 60_000;
const QUERY = "?engine=cpu&network=net1-gtzan";
const OUT = fileURLToPath(new URL("out", import.meta.url));

const { open } = builtPage();

/** Waits until a checkpoint of the run is stored. */
async function checkpointed(page) {
  const deadline = Date.now() + MINUTE;
  while (!(await keys(page, "values")).includes("running")) {
    assert.ok(Date.now() < deadline, "no checkpoint was stored within a minute");
    await page.waitForTimeout(200);
  }
}

async function collect(page, clips = 8) {
  await page.click("#view-train");
  await page.setInputFiles("#train-folder", madeFolder({ noise: clips, tone: clips }));
  await counted(page, clips);
}

function counted(page, clips = 8) {
  return page.locator("#train-count", { hasText: new RegExp(`${2 * clips}\\sclips in 2 classes`) }).waitFor();
}

/** Starts training the small network. */
async function start(page, epochs) {
  await page.selectOption("#train-model", "lens");
  await page.locator("#train summary", { hasText: "All settings" }).click();
  await page.fill("#train-epochs", String(epochs));
  await page.click("#train-start");
}

function training(page) {
  return page.locator("#train-progress-text", { hasText: /Training: step/ }).waitFor({ timeout: MINUTE });
}

async function trained(page) {
  await page.locator("#results").waitFor({ timeout: 2 * MINUTE });
  assert.equal(await page.locator("#train-error").innerText(), "", "no trouble");
}

/** How many epochs the curves show. */
async function epochs(page) {
  const label = await page.locator("#train-curves").getAttribute("aria-label");
  return Number(/over (\d+)\sepochs?/.exec(label)[1]);
}

/** Saves the network of this name as a file; its path. */
async function save(page, name) {
  const button = page.locator(`#storage-networks [data-act="save"][data-network="${name}"]`);
  const [download] = await Promise.all([page.waitForEvent("download"), button.click()]);
  assert.equal(download.suggestedFilename(), `${name}.safetensors`);
  const file = join(mkdtempSync(join(tmpdir(), "genrelens-")), download.suggestedFilename());
  await download.saveAs(file);
  return file;
}

function madeFile(kind) {
  const file = join(mkdtempSync(join(tmpdir(), "genrelens-")), `${kind}.wav`);
  writeFileSync(file, wav(kind, 3));
  return file;
}

/** The probabilities that a network gives a file. */
async function answer(page, name, file) {
  await page.click("#view-classify");
  await useNetwork(page, name);
  await choose(page, file);
  await waitForAnswerBy(page, name);
  return probabilities(page);
}

test("clips and networks are there after a reload, and networks in another browser", { timeout: 8 * MINUTE }, () =>
  open(QUERY, async (page) => {
    let asked = 0;
    page.on("dialog", (dialog) => {
      asked += 1;
      return dialog.accept();
    });
    await collect(page);
    await stored(page);
    await page.reload();
    await page.click("#view-train");
    await counted(page);
    await start(page, 5);
    await trained(page);
    const said = await page.locator("#results-sentence").innerText();
    await stored(page);
    await page.screenshot({ path: join(OUT, "stored.png"), fullPage: true });
    await page.reload();
    assert.equal(asked, 0, "nothing runs, so nothing is asked");

    await page.click("#view-train");
    await page.locator("#results").waitFor();
    await eventually(async () => assert.equal(await page.locator("#results-sentence").innerText(), said));
    await page.locator("#storage-what", { hasText: /16\sclips, 1\snetwork and 1\straining run/ }).waitFor();
    await page.locator("#storage-size", { hasText: "that the browser allows" }).waitFor();
    const tone = madeFile("tone");
    const found = await answer(page, "my network", tone);
    assert.deepEqual(Object.keys(found).sort(), ["noise", "tone"]);

    // Another name is in the file too.
    await page.click("#view-train");
    const name = page.locator('#storage-networks [data-act="rename"]');
    await name.fill("noise or tone");
    await name.press("Tab");
    await page.locator('#network-choice[data-in-use="noise or tone"]').waitFor({ timeout: MINUTE });
    const file = await save(page, "noise or tone");
    await page.setInputFiles("#storage-import", file);
    await page.locator("#storage-notice", { hasText: "as “noise or tone 2”" }).waitFor();
    assertClose(await answer(page, "noise or tone 2", tone), found, 1e-6, "the same network");

    // Forgotten and brought back, forgotten for good.
    await page.click("#view-train");
    await page.click('#storage-networks [data-act="delete"][data-network="noise or tone 2"]');
    await page.locator("#storage-deleted", { hasText: "“noise or tone 2” has been deleted." }).waitFor();
    await page.click("#storage-undo");
    await page.locator('#storage-networks [data-network="noise or tone 2"]').first().waitFor();
    await page.click('#storage-networks [data-act="delete"][data-network="noise or tone 2"]');
    await page.locator("#storage-deleted").waitFor();
    await stored(page);
    await page.reload();
    await page.locator('#network-choice option[value="noise or tone"]').waitFor({ state: "attached" });
    assert.equal(await page.locator('#network-choice option[value="noise or tone 2"]').count(), 0);
    await eventually(async () => assert.deepEqual(await keys(page, "networks"), ["noise or tone"]));

    await open(QUERY, async (other) => {
      await other.click("#view-train");
      const cut = join(mkdtempSync(join(tmpdir(), "genrelens-")), "cut.safetensors");
      writeFileSync(cut, readFileSync(file).subarray(0, 5000));
      await other.setInputFiles("#storage-import", cut);
      await other.locator("#storage-notice", { hasText: "cut.safetensors was not imported: it is" }).waitFor();
      await other.setInputFiles("#storage-import", file);
      await other.locator("#storage-notice", { hasText: "“noise or tone” was imported from" }).waitFor();
      assertClose(await answer(other, "noise or tone", tone), found, 1e-6, "in another browser");
    });

    await page.click("#view-train");
    await page.click("#storage-delete-all");
    await page.click("#storage-delete-confirm");
    await page.locator("#storage-notice", { hasText: "Everything has been deleted." }).waitFor();
    for (const part of ["clips", "networks", "runs", "values"]) await keysWhen(page, part, (found) => !found.length);
  }),
);

test("a head whose backbone is another one here is refused", { timeout: 2 * MINUTE }, () =>
  open(QUERY, async (page) => {
    await page.click("#view-train");
    const backbones = [{ name: "net1-gtzan", sha256: "00", takes: "features" }];
    const card = {
      name: "foreign", summary: "A head.", architecture: "head", backbones, bands: 1, frames: 1, front_end: "gtzan-logmel",
      labels: ["a", "b"], data: "somebody's", licence: "theirs",
    };
    const bring = async (card) => {
      const header = Buffer.from(JSON.stringify({ __metadata__: { genrelens: JSON.stringify(card) } }));
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(header.length));
      const file = { name: "foreign.safetensors", mimeType: "", buffer: Buffer.concat([length, header]) };
      await page.setInputFiles("#storage-import", file);
    };
    await bring(card);
    await page.locator("#storage-notice", { hasText: "this site has another version of it" }).waitFor();
    await bring({ ...card, backbones: [{ ...backbones[0], name: "nobody" }] });
    await page.locator("#storage-notice", { hasText: "backbone 'nobody', which this site does not have" }).waitFor();
    assert.equal(await page.locator("#storage-networks li").count(), 0);
  }),
);

test("a training run that a reload interrupts goes on from its last checkpoint", { timeout: 6 * MINUTE }, () =>
  open(QUERY, async (page) => {
    const asked = [];
    page.on("dialog", (dialog) => {
      asked.push(dialog.type());
      return dialog.accept();
    });
    await collect(page);
    await start(page, 5000);
    await training(page);
    await checkpointed(page);
    await page.reload();
    assert.deepEqual(asked, ["beforeunload"]);
    // It is offered whatever the page shows.
    const text = page.locator("#resume-text", { hasText: "Training of “my network” was interrupted at epoch" });
    await text.waitFor();
    const [, epoch, all] = /epoch (\d+) of (\d+)/.exec(await text.innerText());
    assert.equal(all, "5000");
    await page.click("#resume-go");
    await page.locator("#train-curves").waitFor();
    await eventually(async () => assert.ok((await epochs(page)) >= 1, "what was told before is shown"));
    await training(page);
    await page.waitForFunction(
      (epoch) => Number(/step (\d+) of/.exec(document.querySelector("#train-progress-text").textContent)?.[1]) > epoch,
      Number(epoch),
      { timeout: MINUTE },
    );
    await page.click("#train-stop-keep-best");
    await trained(page);
    await stored(page);
    // What is over is not offered again.
    await keysWhen(page, "values", (found) => !found.includes("running"));
    await page.reload();
    assert.equal(asked.length, 1);
    await page.click("#view-train");
    await page.locator("#results").waitFor();
    assert.equal(await page.locator("#resume").isVisible(), false);
  }),
);

test("a training run whose engine dies goes on by itself", { timeout: 6 * MINUTE }, () =>
  open(
    QUERY,
    async (page) => {
      await collect(page);
      await start(page, 5000);
      await training(page);
      await checkpointed(page);
      const before = page.workers().length;
      await page.workers().at(-1).evaluate(() => void setTimeout(() => { throw new Error("dead on purpose"); }));
      await page.locator("#train-notice", { hasText: /was restarted; training continues from epoch \d+\./ }).waitFor({ timeout: MINUTE });
      await training(page);
      await eventually(async () => assert.ok((await epochs(page)) >= 1));
      await eventually(() => assert.ok(page.workers().length <= before, "the one that died is gone"));
      await page.click("#train-stop-keep-best");
      await trained(page);
    },
    { expected: /dead on purpose/ },
  ),
);

for (const [what, meddle, sentence] of [
  [
    "blocked",
    () => {
      IDBFactory.prototype.open = () => {
        throw new DOMException("The operation is insecure.", "SecurityError");
      };
    },
    "Your browser does not let this page store anything (The operation is insecure).",
  ],
  [
    "full",
    () => {
      IDBObjectStore.prototype.put = () => {
        throw new DOMException("Too much.", "QuotaExceededError");
      };
    },
    "There is not enough free space on this device to store everything.",
  ],
]) {
  test(`where storage is ${what}, that is said and everything else works`, { timeout: 4 * MINUTE }, () =>
    open(
      QUERY,
      async (page) => {
        await collect(page);
        await page.locator("#storage-error", { hasText: sentence }).waitFor();
        await start(page, 3);
        await trained(page);
        const found = await answer(page, "my network", madeFile("noise"));
        assert.deepEqual(Object.keys(found).sort(), ["noise", "tone"]);
        await page.click("#view-train");
        await save(page, "my network");
        await page.reload();
        await page.click("#view-train");
        await page.locator("#storage-what", { hasText: "Nothing yet" }).waitFor();
      },
      { prepare: (page) => page.addInitScript(meddle) },
    ),
  );
}
