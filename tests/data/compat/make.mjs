// Makes the files of this folder with the site that commit b7934a5 builds, and with its command line:
//   node make.mjs DIST GENRELENS
// DIST is the folder of the built site, GENRELENS the program. Element ids and query parameters are those of that commit.
// Run it in this folder of a checkout of that commit: it imports that commit's tests/e2e/lesson-page.mjs.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

const [dist, program] = process.argv.slice(2).map((path) => resolve(path));
process.env.GENRELENS_DIST = dist;
const { startBrowser, withPage } = await import("../../e2e/browser.mjs");
const { choose, probabilities, useNetwork, waitForAnswerBy } = await import("../../e2e/genrelens-page.mjs");
const { dumpDatabase } = await import("../../e2e/indexeddb.mjs");
const { teach } = await import("../../e2e/lesson-page.mjs");
const { startSite } = await import("../../e2e/site.mjs");

const HERE = import.meta.dirname;
const MINUTE = 60_000;
const QUERY = "?engine=cpu&network=net1-gtzan";
const DATABASE = (path) => `genrelens-taught-1 ${path}`;
const PROBE = join(HERE, "probe.wav");
const hasMusicnn = readdirSync(join(dist, "model-weights")).includes("musicnn-msd.safetensors");

const put = (path, content) => {
  mkdirSync(dirname(join(HERE, path)), { recursive: true });
  writeFileSync(join(HERE, path), content);
};
const json = (value) => `${JSON.stringify(value, null, 1)}\n`;

/** A mono WAV file of 8-bit samples at 8 kHz. */
function wav(seconds, signal) {
  const samples = Math.round(seconds * 8000);
  const bytes = Buffer.alloc(44 + samples + (samples % 2));
  bytes.write("RIFF", 0);
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write("WAVEfmt ", 8);
  [16, 1 | (1 << 16), 8000, 8000, 1 | (8 << 16)].forEach((word, at) => bytes.writeUInt32LE(word, 16 + at * 4));
  bytes.write("data", 36);
  bytes.writeUInt32LE(samples, 40);
  for (let at = 0; at < samples; at += 1) bytes[44 + at] = Math.round(128 + 100 * signal(at / 8000));
  return bytes;
}

/** Tones, and noise that is the same in every run; a little different for every number. */
function clip(kind, number, seconds = 0.3 + 0.05 * number) {
  let state = 77 + number;
  const noise = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return 0.8 * (state / 2 ** 31 - 1);
  };
  const tone = (time) => 0.7 * Math.sin(2 * Math.PI * (300 + 40 * number) * time);
  return wav(seconds, kind === "noise" ? noise : tone);
}

const CLASSES = ["noise", "tone"];
const CLIPS = 6;
const ARTISTS = ["Ada", "Ben", "Cyd"];
const tagsOf = (kind, number) => [kind === "noise" ? "rough" : "smooth", number < 3 ? "short" : "long", ...(number % 2 ? ["odd"] : [])];

/** A folder of folders with a table of artists, and of tags where they are wanted. */
function folderOf({ tags = false, broken = false } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "genrelens-"));
  const rows = [tags ? "file,artist,tags" : "file,artist"];
  for (const kind of CLASSES) {
    mkdirSync(join(folder, kind));
    for (let number = 0; number < CLIPS; number += 1) {
      const file = `${kind}/${kind} ${number}.wav`;
      writeFileSync(join(folder, file), clip(kind, number));
      const own = tags ? `,${tagsOf(kind, number).join("; ")}` : "";
      // The last clip of a class has no artist.
      rows.push(`${file},${number === CLIPS - 1 ? "" : ARTISTS[number % 3]}${own}`);
    }
  }
  if (broken) writeFileSync(join(folder, "tone", "words.wav"), "words in the place of music");
  writeFileSync(join(folder, "table.csv"), `${rows.join("\n")}\n`);
  return folder;
}

async function collect(page, options) {
  const clips = CLASSES.length * CLIPS + Number(Boolean(options.broken));
  await page.click("#view-teach");
  await page.setInputFiles("#teach-folder", folderOf(options));
  await page.locator("#teach-count", { hasText: new RegExp(`^${clips}\\sclips in 2 classes`) }).waitFor({ timeout: MINUTE });
  await page.fill("#class-name", "empty");
  await page.press("#class-name", "Enter");
  if (options.tags) await page.locator("#teach-many").check();
  // Every clip is looked at: it has its length, or the reason why it cannot be heard.
  await page.waitForFunction(
    (clips) => {
      const told = document.querySelectorAll("#teach-classes .about-clip");
      document.querySelectorAll("#teach-classes details:not([open]) summary").forEach((summary) => summary.click());
      const known = [...told].filter((place) => /\d:\d\d/.test(place.textContent)).length;
      return known + document.querySelectorAll("#teach-classes .trouble").length === clips;
    },
    clips,
    { timeout: 2 * MINUTE, polling: 300 },
  );
  await kept(page);
}

const kept = (page) => page.locator('#kept[data-keeping="kept"]').waitFor({ state: "attached", timeout: MINUTE });

/** Class → the lines of its clips, as the page shows them. */
function collection(page) {
  return page.$$eval("#teach-classes > li", (items) =>
    Object.fromEntries(
      items.map((item) => [
        item.querySelector("input").value,
        [...item.querySelectorAll("details li")].map((line) => ({
          name: line.querySelector(".name").textContent,
          about: line.querySelector(".about-clip").textContent,
          trouble: Boolean(line.querySelector(".trouble")),
        })),
      ]),
    ),
  );
}

async function saved(page, button, path) {
  const [download] = await Promise.all([page.waitForEvent("download"), page.click(button)]);
  mkdirSync(dirname(join(HERE, path)), { recursive: true });
  await download.saveAs(join(HERE, path));
}

/** Chooses who learns and for how long; `settings` are element id → value. */
async function settings(page, pupil, name, epochs, settings = {}) {
  await page.locator(`#teach-pupil option[value="${pupil}"]`).waitFor({ state: "attached", timeout: MINUTE });
  await page.selectOption("#teach-pupil", pupil);
  if (!(await page.locator("#teach-epochs").isVisible())) {
    await page.locator("#teach summary", { hasText: "All settings" }).click();
  }
  await page.fill("#teach-name", name);
  for (const [id, value] of Object.entries({ "teach-epochs": String(epochs), ...settings })) {
    const place = page.locator(`#${id}`);
    if ((await place.evaluate((element) => element.tagName)) === "SELECT") await place.selectOption(value);
    else await place.fill(value);
  }
  await page.locator("#teach-start:enabled").waitFor({ timeout: MINUTE });
}

/** Holds a lesson to its end; the figures that the page shows of it. */
async function lesson(page) {
  console.log(await teach(page, 10 * MINUTE));
  await kept(page);
  return figures(page);
}

/** The rows of the figures and of the confusion matrix, without their heads. */
const figures = (page) =>
  page.$$eval("#taught-figures tr:not(:first-child), #taught-confusion tr:not(:first-child)", (rows) =>
    rows.filter((row) => !row.closest("[hidden]")).map((row) => [...row.children].map((cell) => cell.textContent)),
  );

const SMALL = { "teach-width": "5" };
const OWN = {
  "teach-batch": "5", "teach-windows": "2", "teach-groups": "0.25", "teach-optimiser": "adam", "teach-schedule": "constant",
  "teach-dropout-conv": "0.1", "teach-dropout-dense": "0.2", "teach-mixup": "0.2", "teach-time-masks": "1",
  "teach-time-columns": "4", "teach-stretch": "0.1", "teach-pitch": "2", "teach-patience": "500",
};

/** Starts a lesson and waits until a checkpoint is kept; holds it meanwhile, so that few epochs are told. */
async function interrupted(page, name) {
  await page.click("#teach-start");
  await page.locator("#teach-progress-text", { hasText: /step \d/ }).waitFor({ timeout: 2 * MINUTE });
  await page.click("#teach-hold");
  await page.waitForTimeout(6_000);
  await page.click("#teach-hold");
  for (let tries = 0; tries < 300; tries += 1) {
    const dump = await dumpDatabase(page, name);
    if (dump.stores.values.some(({ key }) => key === "running")) return dump;
    await page.waitForTimeout(100);
  }
  throw new Error("no checkpoint was kept");
}

/** What the page says of the probe by every network. */
async function answers(page, names) {
  await page.click("#view-listen");
  const found = {};
  for (const name of names) {
    await useNetwork(page, name);
    await choose(page, PROBE);
    await waitForAnswerBy(page, name, 3 * MINUTE);
    found[name] = await probabilities(page);
  }
  return found;
}

function datasets(browser, site) {
  return withPage(browser, `${site.address}${QUERY}`, async (page) => {
    await collect(page, {});
    await saved(page, "#teach-export", "datasets/classes.zip");
    return collection(page);
  }).then(async (classes) => ({
    "classes.zip": { tags: false, classes },
    "tags.zip": await withPage(browser, `${site.address}${QUERY}`, async (page) => {
      await collect(page, { tags: true });
      await saved(page, "#teach-export", "datasets/tags.zip");
      return { tags: true, classes: await collection(page) };
    }),
  }));
}

/** Runs of every kind, a network of each, and one that is not over. */
function visit(browser, site) {
  return withPage(browser, `${site.address}${QUERY}`, async (page) => {
    page.on("dialog", (dialog) => dialog.accept());
    await collect(page, { tags: true, broken: true });
    await page.locator("#teach-many").uncheck();
    const runs = {};
    await settings(page, "lens", "from-scratch", 2, { ...SMALL, ...OWN });
    runs["from-scratch"] = await lesson(page);
    await saved(page, "#taught-save", "networks/from-scratch.safetensors");
    await settings(page, "tuned:from-scratch", "fine-tuned", 2, { "teach-layers": "all" });
    runs["fine-tuned"] = await lesson(page);
    await saved(page, "#taught-save", "networks/fine-tuned.safetensors");
    if (hasMusicnn) {
      await settings(page, "head", "head-on-musicnn", 3);
      runs["head-on-musicnn"] = await lesson(page);
      await saved(page, "#taught-save", "networks/head-on-musicnn.safetensors");
    }
    await page.locator("#teach-many").check();
    await settings(page, "lens", "tagger", 2, SMALL);
    runs.tagger = await lesson(page);
    await saved(page, "#taught-save", "networks/tagger.safetensors");
    const said = await answers(page, Object.keys(runs));
    await page.click("#view-teach");
    await settings(page, "lens", "my network", 300, { ...SMALL, ...OWN });
    const dump = await interrupted(page, DATABASE(new URL(site.address).pathname));
    return { dump, expected: { collection: await collection(page), runs, answers: said } };
  });
}

/** The description in a dataset's archive, whose files are stored as they are. */
function description(file) {
  const bytes = readFileSync(join(HERE, file));
  const name = bytes.indexOf("genrelens-set.json");
  const at = name + "genrelens-set.json".length + bytes.readUInt16LE(name - 2);
  return bytes.subarray(at, at + bytes.readUInt32LE(name - 12));
}

/** What is in the dump besides, as files that need no browser. */
function records(dump) {
  const of = (store) => dump.stores[store].map(({ value }) => value);
  const { running, checkpoint } = of("values").find((value) => value.running);
  put("records/running.json", json(running));
  put("records/checkpoint.safetensors", Buffer.from(checkpoint.$blob.base64, "base64"));
  put("records/collection.json", json(of("values").find((value) => value.classes)));
  for (const { outcome } of of("runs")) put(`records/run-of-${outcome.card.name}.json`, json(outcome));
  for (const { card } of of("networks")) put(`cards/${card.name}.json`, json(card));
  return { interrupted: { name: running.lesson.name, epoch: running.epoch, epochs: running.lesson.recipe.epochs } };
}

/** A network that the command line trains by the recipe that has every key. */
function trainNatively() {
  const folder = mkdtempSync(join(tmpdir(), "genrelens-"));
  const index = ["track,genre,split,artist_group"];
  for (const kind of CLASSES) {
    mkdirSync(join(folder, kind));
    for (let number = 0; number < CLIPS; number += 1) {
      writeFileSync(join(folder, kind, `${number}.wav`), clip(kind, number));
      index.push(`${number},${kind},${number < 4 ? "train" : "valid"},${ARTISTS[number >> 1]}`);
    }
  }
  writeFileSync(join(folder, "index.csv"), `${index.join("\n")}\n`);
  const out = join(HERE, "networks", "every-key.safetensors");
  mkdirSync(dirname(out), { recursive: true });
  const recipe = join(HERE, "recipes", "every-key.toml");
  execFileSync(program, ["train", "--recipe", recipe, "--audio", folder, "--out", out], { stdio: "inherit" });
  renameSync(join(HERE, "networks", "every-key.json"), join(HERE, "cards", "every-key.json"));
}

/** What the command line says of the probe by every network, and of the networks' cards. */
function askNatively(names) {
  const folder = mkdtempSync(join(tmpdir(), "genrelens-"));
  for (const name of ["musicnn-msd", "musicnn-mtt"].filter(() => hasMusicnn)) {
    for (const kind of ["json", "safetensors"]) copyFileSync(join(dist, "model-weights", `${name}.${kind}`), join(folder, `${name}.${kind}`));
  }
  const ask = (name) => {
    const file = join(folder, `${name}.safetensors`);
    copyFileSync(join(HERE, "networks", `${name}.safetensors`), file);
    const line = execFileSync(program, ["classify", "--json", "--model", file, PROBE], { encoding: "utf8" });
    return [name, JSON.parse(line).genres];
  };
  return Object.fromEntries(names.map(ask));
}

for (const made of ["datasets", "networks", "records"]) rmSync(join(HERE, made), { recursive: true, force: true });
put("probe.wav", clip("tone", 3, 1));
const [site, browser] = [await startSite(), await startBrowser()];
try {
  const sets = await datasets(browser, site);
  const { dump, expected } = await visit(browser, site);
  const { interrupted: left } = records(dump);
  for (const kind of ["classes", "tags"]) put(`records/dataset-of-${kind}.json`, description(`datasets/${kind}.zip`));
  trainNatively();
  const commandLine = askNatively([...Object.keys(expected.runs), "every-key"]);
  const path = new URL(site.address).pathname;
  // A record a line, so that it can be looked at.
  const lines = Object.entries(dump.stores).map(
    ([store, all]) => `${JSON.stringify(store)}: [\n${all.map((record) => JSON.stringify(record)).join(",\n")}\n]`,
  );
  const name = JSON.stringify(DATABASE(path));
  put("indexeddb.json", `{"name": ${name}, "version": ${dump.version}, "stores": {\n${lines.join(",\n")}\n}}\n`);
  put("expected.json", json({ ...expected, interrupted: left, datasets: sets, commandLine }));
} finally {
  await browser.close();
  site.stop();
}
