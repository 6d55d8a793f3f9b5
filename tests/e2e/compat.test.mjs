// What an earlier build wrote opens in this one without loss: its IndexedDB, its networks, its datasets. The files are in
// tests/data/compat, with the script that made them.
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { builtPage } from "./built.mjs";
import { ROOT } from "./clips.mjs";
import { eventually } from "./eventually.mjs";
import { assertClose, choose, probabilities, useNetwork, waitForAnswerBy } from "./genrelens-page.mjs";
import { restoreDatabase } from "./indexeddb.mjs";
import { DIST } from "./site.mjs";

// The page's elements, by what they are for.
const ID = {
  page: "#page",
  showClassify: "#view-classify",
  showTrain: "#view-train",
  dropZone: "#drop-zone",
  networkChoice: "#network-choice",
  addFiles: "#train-files",
  classes: "#train-classes > li",
  count: "#train-count",
  wantsTags: "#train-tags",
  runs: "#train-runs",
  figures: "#results-figures",
  confusion: "#results-confusion",
  results: "#results",
  progressText: "#train-progress-text",
  error: "#train-error",
  storage: "#storage",
  stored: "#storage-what",
  resumeText: "#resume-text",
  resume: "#resume-go",
};
const ACT = { showRun: '[data-act="show"]' };
const PART = { clipName: ".name", clipAbout: ".about-clip", clipTrouble: ".trouble" };
// In attributes of the elements.
const STAGE = (stage) => `${ID.page}[data-stage="${stage}"]`;
const STORED = `${ID.storage}[data-storage="saved"]`;
const IN_USE = (name) => `${ID.networkChoice}[data-in-use="${name}"]`;

const MINUTE = 60_000;
const QUERY = "?engine=cpu&network=net1-gtzan";
const FOLDER = join(ROOT, "tests", "data", "compat");
const PROBE = join(FOLDER, "probe.wav");
// Of one build on two processors; another network would be off by far more.
const TOLERANCE = 1e-3;

const read = (name) => JSON.parse(readFileSync(join(FOLDER, name), "utf8"));
const database = read("indexeddb.json");
const expected = read("expected.json");
const built = builtPage();

const hasMusicnn = existsSync(join(DIST, "model-weights", "musicnn-msd.safetensors"));
if (!hasMusicnn) console.log("LOUD: the site has no MusiCNN: an earlier build's head on it is NOT tested.");
const usable = (name) => hasMusicnn || !/musicnn/.test(name);

/** The page of a visitor who was here with the earlier build. */
const returning = (use) =>
  built.open(QUERY, use, {
    prepare: (page) => restoreDatabase(page, built.address, database.name, database),
  });

/** Waits until the numbers in a place are these, whatever its words. */
const counted = (page, place, wanted) =>
  page
    .waitForFunction(
      ([place, wanted]) => String((document.querySelector(place).textContent.match(/\d+/g) ?? []).map(Number)) === wanted,
      [place, String(wanted)],
      { timeout: MINUTE },
    )
    .catch(async (error) => {
      throw new Error(`${place} says ${await page.locator(place).innerText()}; expected ${wanted}`, { cause: error });
    });

const clipsIn = (classes) => Object.values(classes).flat().length;

/** Asserts that the classes are these, and in each the clips with their names, artists, tags and troubles. */
async function assertCollection(page, classes) {
  await counted(page, ID.count, [clipsIn(classes), Object.keys(classes).length]);
  const items = page.locator(ID.classes);
  for (let at = 0; at < (await items.count()); at += 1) {
    const details = items.nth(at).locator("details");
    if ((await details.getAttribute("open")) === null) await details.locator("summary").click();
  }
  await page.waitForFunction(
    ([place, clips]) => document.querySelectorAll(place).length === clips,
    [`${ID.classes} details li ${PART.clipName}`, clipsIn(classes)],
  );
  // A clip's line is drawn again once the clip is decoded.
  await eventually(async () => {
    const found = await shownClasses(page);
    assert.deepEqual(found.map(({ label }) => label), Object.keys(classes), "the classes");
    for (const { label, clips } of found) assert.deepEqual(clips, classes[label], `the clips of ${label}`);
  });
}

const shownClasses = (page) =>
  page.$$eval(
    ID.classes,
    (items, part) =>
      items.map((item) => ({
        label: item.querySelector("input").value,
        clips: [...item.querySelectorAll("details li")].map((line) => ({
          name: line.querySelector(part.clipName).textContent,
          about: line.querySelector(part.clipAbout).textContent,
          trouble: Boolean(line.querySelector(part.clipTrouble)),
        })),
      })),
    PART,
  );

/** The figures of the run that is looked at, as they stand in the tables: a row for every label. */
const figures = (page) =>
  page.$$eval(`${ID.figures} tr:not(:first-child), ${ID.confusion} tr:not(:first-child)`, (rows) =>
    rows.filter((row) => !row.closest("[hidden]")).map((row) => [...row.children].map((cell) => cell.textContent)),
  );

/** A row of figures without its name, where that is no label but a word of the page. */
const comparable = ([head, ...cells]) => (/average|mean/i.test(head) ? cells : [head, ...cells]);

async function assertRuns(page) {
  const names = Object.keys(expected.runs);
  const rows = page.locator(`${ID.runs} tr:not(:first-child)`);
  // The newest comes first.
  await eventually(async () => assert.equal(await rows.count(), names.length, "the runs"));
  const shown = await rows.allInnerTexts();
  for (const [at, name] of [...names].reverse().entries()) {
    assert.ok(shown[at].includes(name), `${name} is told in: ${shown[at]}`);
    await rows.nth(at).locator(ACT.showRun).click();
    const figuresOf = expected.runs[name].map(comparable);
    await eventually(async () => assert.deepEqual((await figures(page)).map(comparable), figuresOf, `the figures of ${name}`));
  }
}

async function assertAnswers(page, names) {
  for (const name of names.filter(usable)) {
    await useNetwork(page, name);
    await choose(page, PROBE);
    await waitForAnswerBy(page, name, 3 * MINUTE);
    const worst = assertClose(await probabilities(page), expected.answers[name], TOLERANCE, name);
    console.log(`${name}: off the earlier build's answer by ${worst.toExponential(1)}.`);
  }
}

test("everything that an earlier build kept is there", { timeout: 10 * MINUTE }, () =>
  returning(async (page) => {
    const names = Object.keys(expected.runs);
    await page.click(ID.showTrain);
    await assertCollection(page, expected.collection);
    await page.locator(`${ID.wantsTags}:checked`).waitFor({ state: "attached" });
    await counted(page, ID.stored, [clipsIn(expected.collection), names.length, names.length]);
    await assertRuns(page);
    const { name, epoch, epochs } = expected.interrupted;
    await page.locator(ID.resumeText, { hasText: name }).waitFor();
    await counted(page, ID.resumeText, [epoch, epochs]);
    await eventually(async () => {
      const choices = await page.$$eval(`${ID.networkChoice} option`, (options) => options.map(({ value }) => value));
      assert.deepEqual(names.filter((own) => !choices.includes(own)), [], "every network can be chosen");
    });
    await page.click(ID.showClassify);
    await assertAnswers(page, names);
  }),
);

test("a training that an earlier build began goes on", { timeout: 10 * MINUTE }, () =>
  returning(async (page) => {
    page.on("dialog", (dialog) => dialog.accept());
    await page.locator(ID.resumeText, { hasText: expected.interrupted.name }).waitFor({ timeout: MINUTE });
    const { name, epoch, epochs } = expected.interrupted;
    await page.evaluate((place) => {
      globalThis.told = [];
      const note = () => globalThis.told.push(document.querySelector(place).textContent);
      new MutationObserver(note).observe(document.querySelector(place), { childList: true, characterData: true, subtree: true });
    }, ID.progressText);
    await page.click(ID.resume);
    const network = `${ID.networkChoice} option[value="${name}"]`;
    await page.waitForFunction(
      ([idle, error, network]) =>
        document.querySelector(idle) && (document.querySelector(error).textContent || document.querySelector(network)),
      [STAGE("idle"), ID.error, network],
      { timeout: 8 * MINUTE },
    );
    // A checkpoint may be of another version: then the page says so, and keeps everything else.
    const error = (await page.locator(ID.error).innerText()).trim();
    if (error) console.log(`LOUD: the training did not go on: ${error}`);
    else {
      await page.locator(ID.results).waitFor();
      // Steps are counted from the training's beginning, and there are more of them in all than epochs or clips.
      const told = (await page.evaluate(() => globalThis.told)).map((text) => (text.match(/\d+/g) ?? []).map(Number));
      const [step, steps] = told.find((found) => found.length === 2 && found[1] >= epochs);
      assert.ok(step / steps >= epoch / epochs, `it goes on at step ${step} of ${steps}, after epoch ${epoch} of ${epochs}`);
    }
    // What was read in the earlier build's shape is written in this build's, and read again.
    await page.waitForTimeout(1000);
    await page.locator(STORED).waitFor({ state: "attached", timeout: MINUTE });
    await page.reload();
    await page.click(ID.showTrain);
    await assertCollection(page, expected.collection);
    const runs = Object.keys(expected.runs).length + Number(!error);
    await eventually(async () => assert.equal(await page.locator(`${ID.runs} tr:not(:first-child)`).count(), runs));
  }),
);

test("networks that an earlier build saved open by dropping", { timeout: 10 * MINUTE }, () =>
  built.open(QUERY, async (page) => {
    // Before the page runs nobody takes what is dropped.
    await page.locator(IN_USE("net1-gtzan")).waitFor({ timeout: MINUTE });
    const files = readdirSync(join(FOLDER, "networks")).filter((name) => name.endsWith(".safetensors"));
    assert.ok(files.length >= 4, "there are such networks");
    for (const file of files.filter(usable)) {
      const bytes = readFileSync(join(FOLDER, "networks", file)).toString("base64");
      const dataTransfer = await page.evaluateHandle(
        ([text, name]) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], name));
          return transfer;
        },
        [bytes, file],
      );
      for (const event of ["dragenter", "dragover", "drop"]) await page.dispatchEvent(ID.dropZone, event, { dataTransfer });
      const name = file.replace(".safetensors", "");
      await page.locator(IN_USE(name)).waitFor({ timeout: 3 * MINUTE });
      await choose(page, PROBE);
      await waitForAnswerBy(page, name, 3 * MINUTE);
      assertClose(await probabilities(page), expected.commandLine[name], TOLERANCE, name);
    }
  }),
);

for (const [file, { tags, classes }] of Object.entries(expected.datasets)) {
  test(`the dataset ${file} of an earlier build opens whole`, { timeout: 3 * MINUTE }, () =>
    built.open(QUERY, async (page) => {
      await page.click(ID.showTrain);
      await page.setInputFiles(ID.addFiles, join(FOLDER, "datasets", file));
      await assertCollection(page, classes);
      await page.locator(`${ID.wantsTags}${tags ? ":checked" : ":not(:checked)"}`).waitFor({ state: "attached" });
    }),
  );
}
