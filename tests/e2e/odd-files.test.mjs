// Files in the shapes of real bug reports: recordings, archives and tables of clips. What must happen to each is in
// tests/data/odd-files/index.tsv; those archives are made by shrink.py beside it.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { builtPage } from "./built.mjs";
import { ROOT } from "./clips.mjs";
import { outcome } from "./genrelens-page.mjs";

const MINUTE = 60_000;
/** How long an import of a few small files may take, beside other work on the machine. */
const IMPORTED = 15_000;
const FOLDER = join(ROOT, "tests/data/odd-files");
const built = builtPage();

// The first line names the columns.
const index = readFileSync(join(FOLDER, "index.tsv"), "utf8").trim().split("\n").slice(1);
const lines = new Map(index.map((line) => line.split("\t")).map(([file, ...rest]) => [file, rest.join(" · ")]));

// Runs in the page: what it shows of its dataset. Accents may be letters of their own.
function shown() {
  const text = (place) => place.textContent.normalize("NFC").replace(/\s+/g, " ").trim();
  const classes = [...document.querySelectorAll("#train-classes > li")].map((item) => [
    item.querySelector("input").value.normalize("NFC"),
    Number(/^\d+/.exec(text(item.querySelector("summary > span")))?.[0] ?? 0),
  ]);
  // Opened, a class lists its clips.
  document.querySelectorAll("#train-classes details:not([open])").forEach((details) => (details.open = true));
  const clips = [...document.querySelectorAll("#train-classes details li")].map((item) => [
    item.closest("details").dataset.class.normalize("NFC"),
    text(item.querySelector(".name")),
    text(item.querySelector(".about-clip")),
  ]);
  const notice = document.querySelector("#train-notice");
  return {
    idle: document.querySelector("#page").dataset.stage === "idle",
    classes: classes.sort(),
    clips: clips.sort(),
    notice: notice.hidden ? "" : text(notice),
    warnings: [...document.querySelectorAll("#train-warnings li")].map(text),
    markup: document.querySelectorAll("#train img, #train b").length,
  };
}

/** Waits until the page shows what `holds` accepts; otherwise tells what it shows. */
async function reached(page, wanted, holds) {
  const deadline = Date.now() + IMPORTED;
  for (;;) {
    const now = await page.evaluate(shown);
    if (now.idle && holds(now)) return now;
    if (Date.now() > deadline) throw new Error(`expected ${wanted}; the page shows ${JSON.stringify(now)}`);
    await page.waitForTimeout(50);
  }
}

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const sorted = (classes) => Object.entries(classes).sort();
const clipsIn = (classes) => classes.reduce((sum, [, clips]) => sum + clips, 0);

/** Waits until the classes are these, each with so many clips, and all clips are listed. */
const hasClasses = (page, classes) =>
  reached(page, JSON.stringify(classes), (now) => {
    return same(now.classes, sorted(classes)) && now.clips.length === clipsIn(now.classes);
  });

const says = (page, pattern) => reached(page, `a notice like ${pattern}`, ({ notice }) => pattern.test(notice));

const add = (page, ...files) => page.setInputFiles("#train-files", files.map((file) => join(FOLDER, file)));

/** Takes back what was added, so that the next file meets an empty dataset. */
async function undo(page) {
  while ((await page.evaluate(shown)).classes.length) {
    await page.locator("#train-undo:enabled").click({ timeout: IMPORTED });
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  }
}

const FIRST = { jazz: 3, rock: 3 };

/** Archive → what must be seen of it. */
const ARCHIVES = {
  "zip_finder.zip": async (page) => {
    await hasClasses(page, { Café: 2, Polka: 2 });
    // Typed, the accent is one letter; the archive has it as two.
    await page.fill("#class-name", "Café");
    await page.press("#class-name", "Enter");
    await page.fill("#class-name", "another");
    await page.press("#class-name", "Enter");
    await hasClasses(page, { Café: 2, Polka: 2, another: 0 });
  },
  "zip_64.zip": (page) => hasClasses(page, FIRST),
  "zip_cp437.zip": (page) => hasClasses(page, { Ärzte: 2, Östrogen: 2, Übung: 2 }),
  "zip_odd_names.zip": async (page) => {
    // The slash in its markup parts a name in two folders, of which either may be the class.
    const isMarkup = ([name]) => name === "b>" || name === "<b>bold<";
    const three = (now) =>
      same(now.classes.filter((own) => !isMarkup(own)), [['R&B, "soul"', 2], ["🎷 Jazz", 2]]) &&
      clipsIn(now.classes.filter(isMarkup)) === 2 &&
      now.clips.length === 6;
    const before = await reached(page, "three classes of two clips", three);
    assert.equal(before.markup, 0, "names are text");
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("#train-export")]);
    const file = join(mkdtempSync(join(tmpdir(), "genrelens-")), "set.zip");
    await download.saveAs(file);
    await undo(page);
    await page.setInputFiles("#train-files", file);
    const after = await reached(page, "the same three classes", three);
    const names = ({ clips }) => clips.map(([label, name]) => [label, name]);
    assert.deepEqual([after.classes, names(after)], [before.classes, names(before)]);
  },
  "zip_folders_only.zip": (page) => says(page, /The archive has no files in it/),
  "zip_nested_albums.zip": (page) => hasClasses(page, { Jazz: 3, Rock: 3 }),
  "zip_gtzan_kaggle.zip": async (page) => {
    await hasClasses(page, { blues: 3, jazz: 4 });
    const trouble = page.locator('details[data-class="jazz"] .trouble', { hasText: "jazz.00054.wav" });
    await trouble.waitFor({ timeout: IMPORTED });
    assert.equal(await page.locator("#train-classes .trouble").count(), 1);
    await page.selectOption("#train-model", "lens");
    await page.locator("#train summary", { hasText: "All settings" }).click();
    await page.fill("#train-epochs", "1");
    await page.locator("#train-start:enabled").click({ timeout: IMPORTED });
    await page.locator("#results").waitFor({ timeout: MINUTE });
    await page.locator('#page[data-stage="idle"]').waitFor();
  },
  "zip_empty.zip": (page) => says(page, /The archive has no files in it/),
  "zip_dot_names.zip": (page) => hasClasses(page, { pop: 2, rock: 2, "..But Seriously": 2 }),
  "zip_endings.zip": (page) => hasClasses(page, { a: 3, b: 4 }),
  "zip_same_clip_twice.zip": async (page) => {
    await reached(page, "a warning of a clip in two classes", ({ warnings }) =>
      warnings.some((line) => line.includes("jazz") && line.includes("rock")),
    );
    await page.selectOption("#train-model", "lens");
    await page.locator("#train-start:disabled").waitFor({ timeout: IMPORTED });
  },
  "zip_encrypted.zip": async (page) => {
    const { notice } = await says(page, /encrypt|password/i);
    for (const name of ["jazz/2.wav", "rock/2.wav"]) assert.ok(notice.includes(name), `${name}: ${notice}`);
  },
  "zip_deflate64.zip": async (page) => {
    const { notice } = await says(page, /deflate ?64|compress/i);
    for (const name of ["jazz/1.wav", "rock/1.wav"]) assert.ok(notice.includes(name), `${name}: ${notice}`);
  },
  "zip_streamed.zip": (page) => hasClasses(page, FIRST),
};

/** What lies around an archive's end, which other programs take one way or the other: clips or a sentence. */
async function eitherWay(page, file, before) {
  const whole = ({ classes }) => same(classes, sorted(FIRST));
  const now = await reached(page, "clips or a sentence", (now) => whole(now) || (now.notice && now.notice !== before));
  assert.ok(whole(now) || !now.classes.length, `half of it: ${JSON.stringify(now)}`);
  console.log(`${file}: ${JSON.stringify(now.classes)} ${now.notice}`);
}

const ARTISTS = {
  jazz: { "Café del Mar.wav": "Ödland", "two.wav": "Ödland", "three, four.wav": 'Müller "M"', "same.wav": "A" },
  rock: { "five.wav": "Zed", "same.wav": "B" },
};

/** Waits until each of these clips shows its artist. */
const hasArtists = (page, artists) =>
  reached(page, JSON.stringify(artists), ({ clips }) =>
    Object.entries(artists).every(([label, of]) =>
      Object.entries(of).every(([name, artist]) =>
        clips.some((clip) => clip[0] === label && clip[1] === name && clip[2].split(" · ").includes(artist)),
      ),
    ),
  );

const andFriends = { ...ARTISTS, rock: { ...ARTISTS.rock, "same.wav": "B and friends" } };

/** Table → what must be seen of it, once the clips are there. */
const TABLES = {
  "csv/bom_crlf.csv": (page) => hasArtists(page, ARTISTS),
  "csv/semicolons.csv": (page) => hasArtists(page, ARTISTS),
  "csv/windows_1252.csv": (page) => hasArtists(page, ARTISTS),
  "csv/nfd_names.csv": (page) => hasArtists(page, ARTISTS),
  "csv/backslash_paths.csv": (page) => hasArtists(page, ARTISTS),
  "csv/newline_in_cell.csv": (page) => hasArtists(page, andFriends),
  "csv/no_match.csv": (page) => says(page, /nine\.wav.*ten\.wav/),
  "csv/markup.csv": async (page) => {
    await hasArtists(page, {
      jazz: { "two.wav": "<img src=x onerror=alert(1)>" },
      rock: { "five.wav": '=HYPERLINK("http://x")' },
    });
    assert.equal((await page.evaluate(shown)).markup, 0, "cells are text");
  },
  "csv/all_one_artist.csv": async (page) => {
    await hasArtists(page, { rock: { "five.wav": "Various Artists" } });
    await page.selectOption("#train-model", "lens");
    await page.evaluate(() => {
      globalThis.stages = [];
      const place = document.querySelector("#page");
      const note = () => globalThis.stages.push(place.dataset.stage);
      new MutationObserver(note).observe(place, { attributeFilter: ["data-stage"] });
    });
    const start = page.locator("#train-start");
    if (await start.isEnabled()) await start.click();
    const said = page.locator("#train-error:not(:empty), #train-warnings li").filter({ hasText: /artist|group|split/i });
    await said.first().waitFor({ timeout: IMPORTED });
    assert.ok(!(await page.evaluate(() => globalThis.stages)).includes("embedding"), "before the clips are decoded");
  },
};

/** Runs a test for each file on one page, and goes on after a failure. */
async function each(page, checks, before = () => {}) {
  const wrong = [];
  for (const [file, check] of Object.entries(checks)) {
    assert.ok(lines.has(file), `index.tsv has no line for ${file}`);
    try {
      await undo(page);
      await before(page);
      const { notice } = await page.evaluate(shown);
      await add(page, file);
      await check(page, file, notice);
    } catch (error) {
      wrong.push(`${file} (${lines.get(file)}): ${error.message}`);
    }
  }
  assert.deepEqual(wrong, []);
}

const training = (use) =>
  built.open("?engine=cpu&network=net1-gtzan", async (page) => {
    await page.locator('#engine[data-engine="cpu"]').waitFor({ timeout: MINUTE });
    await page.click("#view-train");
    await use(page);
  });

test("odd archives give the classes and clips that are in them, or a sentence", { timeout: 6 * MINUTE }, () =>
  training((page) => each(page, { ...ARCHIVES, "zip_comment.zip": eitherWay, "zip_trailing.zip": eitherWay })),
);

test("odd tables give every clip its artist, or a sentence", { timeout: 4 * MINUTE }, () =>
  training((page) =>
    each(page, TABLES, async () => {
      await add(page, "csv/clips.zip");
      await hasClasses(page, { jazz: 4, rock: 2 });
    }),
  ),
);

test("odd recordings that only the browser decodes are heard whole", { timeout: 2 * MINUTE }, () =>
  built.onCpu(async (page) => {
    for (const file of ["webm_no_duration.webm", "opus_whole.opus"]) {
      assert.equal(await outcome(page, () => page.setInputFiles("#file", join(FOLDER, file))), "done", file);
      await page.locator("#recording", { hasText: new RegExp(`${file.replace(".", "\\.")} · 0:0[56]`) }).waitFor();
      assert.equal(await page.locator("#warnings li").count(), 0, `${file}: ${await page.locator("#warnings").textContent()}`);
    }
  }),
);

test("what a damaged recording has lost is said, though the browser that decodes it does not tell", { timeout: 2 * MINUTE }, () =>
  built.onCpu(async (page) => {
    const whole = readFileSync(join(FOLDER, "opus_whole.opus"));
    const pages = [];
    for (let at = whole.indexOf("OggS"); at >= 0; at = whole.indexOf("OggS", at + 1)) pages.push(at);
    // The first two are headers.
    const [from, to] = pages.slice(Math.ceil(pages.length / 2));
    assert.ok(pages.length >= 6 && to, `there are ${pages.length} pages`);
    const buffer = Buffer.concat([whole.subarray(0, from), whole.subarray(to)]);
    const file = { name: "without a page.opus", mimeType: "audio/ogg", buffer };
    assert.equal(await outcome(page, () => page.setInputFiles("#file", file)), "done");
    await page.locator("#warnings li").first().waitFor({ timeout: IMPORTED });
  }),
);

test("every odd file of the page has its check", () => {
  const checked = [...Object.keys(ARCHIVES), ...Object.keys(TABLES), "zip_comment.zip", "zip_trailing.zip"];
  const known = new Set([...checked, "csv/clips.zip", "webm_no_duration.webm", "opus_whole.opus"]);
  assert.deepEqual([...lines.keys()].filter((file) => !known.has(file)), []);
});
