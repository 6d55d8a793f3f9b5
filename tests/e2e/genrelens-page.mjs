// What a visitor does with the page and sees on it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename } from "node:path";

/** Gives the page a file by its chooser and waits for the answer. */
export async function choose(page, file, options) {
  await answerAfter(page, () => page.setInputFiles("#file", file), options);
}

/** Drops a file on the page, as the browser does for a visitor, and waits for the answer. */
export async function drop(page, file, options) {
  const bytes = readFileSync(file).toString("base64");
  const dataTransfer = await page.evaluateHandle(
    ([text, name]) => {
      const transfer = new DataTransfer();
      const data = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      transfer.items.add(new File([data], name, { type: "audio/wav" }));
      return transfer;
    },
    [bytes, basename(file)],
  );
  await answerAfter(
    page,
    async () => {
      for (const event of ["dragenter", "dragover", "drop"]) {
        await page.dispatchEvent("#drop-zone", event, { dataTransfer });
      }
    },
    options,
  );
}

/** Gives the page a file and waits for what comes of it: `done` or `error`. */
export async function outcome(page, act, { timeout = 120_000 } = {}) {
  await act();
  // A short file is answered before the next frame, so no state of work need ever be drawn; but whatever is drawn once
  // the file was given is of that file.
  const ended = await page.waitForFunction(
    () => {
      const last = globalThis.states.slice(globalThis.statesBeforeFile).at(-1);
      return last === "done" || last === "error" ? last : null;
    },
    null,
    { timeout },
  );
  return ended.jsonValue();
}

/** Gives the page a file and waits for its answer. */
async function answerAfter(page, act, options) {
  assert.equal(await outcome(page, act, options), "done", await errorShown(page));
  // The canvases are painted in the frame after the state changes.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

/** The sentence in the page's place for errors, or nothing if none is visible. */
export async function errorShown(page) {
  const place = page.locator("#error");
  return (await place.isVisible()) ? (await place.innerText()).trim() : "";
}

/** The rows of the accessible table, in their order. */
export function genres(page) {
  return page.$$eval("#genre-table [data-probability]", (places) =>
    places.map(({ dataset }) => ({ label: dataset.genre ?? dataset.label, probability: Number(dataset.probability) })),
  );
}

/** The same as label → probability. */
export async function probabilities(page) {
  return Object.fromEntries((await genres(page)).map(({ label, probability }) => [label, probability]));
}

/** The tags of the network's backbones: backbone → tag → probability. */
export function tags(page) {
  return page.$$eval("#tag-tables table", (tables) => {
    const of = (table) =>
      [...table.querySelectorAll("[data-tag]")].map(({ dataset }) => [dataset.tag, Number(dataset.probability)]);
    return Object.fromEntries(tables.map((table) => [table.dataset.model, Object.fromEntries(of(table))]));
  });
}

/** Chooses a network and waits until it is in use. */
export async function useNetwork(page, name) {
  await page.selectOption("#network-choice", name);
  await page.locator(`#network-choice[data-in-use="${name}"]`).waitFor({ timeout: 60_000 });
}

/** Waits until the answer is that network's, and no other is being computed. */
export async function waitForAnswerBy(page, name, timeout = 60_000) {
  await page.waitForFunction(
    (name) => {
      const quiet = document.querySelector("#reclassify-box").hidden && document.querySelector("#network-progress-box").hidden;
      const done = document.querySelector("#page").dataset.state === "done";
      return quiet && done && document.querySelector("#detail").textContent.includes(` with ${name} in `);
    },
    name,
    { timeout },
  ).catch(async (error) => {
    const [said, state] = [await page.locator("body").innerText(), await page.locator("#page").getAttribute("data-state")];
    throw new Error(`no answer by ${name} (${state}): ${said.slice(0, 1500)}`, { cause: error });
  });
}

/** The engine that runs, CPU or GPU, as the page's line names it to people and to programs. */
export async function engine(page) {
  const [kind, line] = await page.$eval("#engine", (place) => [place.dataset.engine, place.textContent]);
  const name = kind.toUpperCase();
  const named = /\b(CPU|GPU)\b/.exec(line)?.[1];
  const told = `the engine is "${kind}", and the first that its line names is ${named}: ${line}`;
  assert.ok(name === "NONE" || name === named, told);
  return name;
}

/** Waits until that engine runs, and fails once the page says that something went wrong. */
export async function waitForEngine(page, name, timeout) {
  const deadline = Date.now() + timeout;
  while ((await engine(page)) !== name) {
    const broken = (await errorShown(page)) || (await page.locator("#not-started").isVisible());
    if (broken || Date.now() >= deadline) {
      const workers = page.workers().map((worker) => worker.url());
      throw new Error(`the page never ran on the ${name}; workers ${workers}; it says:\n${await page.innerText("body")}`);
    }
    await page.waitForTimeout(250);
  }
}

/** Ten rows, sorted as drawn, that are a distribution. */
export function assertDistribution(rows) {
  assert.equal(rows.length, 10, "ten genres");
  assert.equal(new Set(rows.map(({ label }) => label)).size, 10, "ten different genres");
  const total = rows.reduce((sum, { probability }) => sum + probability, 0);
  assert.ok(Math.abs(total - 1) <= 0.01, `probabilities sum to ${total}`);
  assert.ok(rows.every(({ probability }) => probability >= 0 && probability <= 1), "each from 0 to 1");
}

/** Every label of the one within the tolerance of the other. Returns the largest difference. */
export function assertClose(actual, expected, tolerance, about) {
  assert.deepEqual(Object.keys(actual).sort(), Object.keys(expected).sort(), `${about}: the same labels`);
  const differences = Object.keys(expected).map((label) => Math.abs(actual[label] - expected[label]));
  const worst = Math.max(...differences);
  const told = `${about}: ${JSON.stringify({ actual, expected })}`;
  assert.ok(worst <= tolerance, `differs by ${worst}, more than ${tolerance}; ${told}`);
  return worst;
}
