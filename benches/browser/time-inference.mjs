// Prints how long two networks take for ten windows, and net1 for a step of training, by both engines of the built page
// and by other programs in the same browser, with the same weights: `node time-inference.mjs [NAME…] [--gpu]
// [--rounds=7]`, each NAME a work or a contestant of the tables below. It fails if their answers differ; docs/benchmarks.md
// explains the figures. The graphics adapter is Chromium's emulated one, or with --gpu the machine's own.
import { readFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { startBrowser, withPage } from "../../tests/e2e/browser.mjs";
import { DIST, startSite } from "../../tests/e2e/site.mjs";
import { beside, PAGE } from "./beside.mjs";
import { onnxModel } from "./onnx.mjs";
import { readSafetensors } from "./safetensors.mjs";
import { cells, digits, median } from "./times.mjs";

const words = process.argv.slice(2);
const REAL = words.includes("--gpu");
const ROUNDS = Number(words.find((word) => word.startsWith("--rounds="))?.split("=")[1] ?? 7);
// What took longer than this when it warmed up takes part in every third round only.
const SLOW_MILLISECONDS = 8_000;
// What takes longer than this to warm up is given up.
const PATIENCE_MILLISECONDS = 180_000;
// The largest difference between probabilities.
const TOLERANCE = 1e-3;

// `seconds` give just `count` windows, which begin every `hop` columns; `unitRange`: values of 0 to 1 are normalised. On
// emulated graphics only one in `part` windows is computed, and the time is taken so many times: all of them take minutes.
const WORKS = [
  { name: "net1", network: "net1-gtzan", count: 10, part: 1, hop: 19, seconds: 16.3, unitRange: true },
  { name: "musicnn", network: "musicnn-mtt", count: 10, part: 10, hop: 187, seconds: 30, unitRange: false },
  { name: "step", network: null, part: 1 },
];

const CONTESTANTS = [
  { name: "ours-cpu", who: "GenreLens, CPU engine, 1 worker", by: "ours", kind: "cpu", whole: false },
  { name: "ours-cpu-song", who: "the same, from samples", by: "ours", kind: "cpu", whole: true },
  { name: "tfjs-wasm", who: "TensorFlow.js, wasm, 1 thread", by: "tensorflow", backend: "wasm" },
  { name: "ort-wasm", who: "ONNX Runtime Web, wasm, 1 thread", by: "onnx", provider: "wasm", threads: 1 },
  { name: "ort-threads", who: "ONNX Runtime Web, wasm, all threads", by: "onnx", provider: "wasm", threads: "all" },
  { name: "ours-gpu", who: "GenreLens, WebGPU engine", by: "ours", kind: "gpu", whole: false },
  { name: "ours-gpu-song", who: "the same, from samples", by: "ours", kind: "gpu", whole: true },
  { name: "tfjs-webgpu", who: "TensorFlow.js, WebGPU", by: "tensorflow", backend: "webgpu" },
  { name: "tfjs-webgl", who: "TensorFlow.js, WebGL", by: "tensorflow", backend: "webgl" },
  { name: "ort-webgpu", who: "ONNX Runtime Web, WebGPU", by: "onnx", provider: "webgpu" },
];

// What we aim for: our time, the times of others of whom the fastest counts, and how many times as fast we want to be.
const AIMS = [
  { work: "musicnn", ours: ["ours-cpu"], others: ["tfjs-wasm", "ort-wasm"], times: 6, about: "MusiCNN, one thread of wasm" },
  { work: "musicnn", ours: ["ours-gpu", "ours-gpu-song"], others: ["tfjs-webgpu"], times: 3, about: "MusiCNN, WebGPU" },
  { work: "net1", ours: ["ours-gpu", "ours-gpu-song"], others: ["tfjs-webgpu"], times: 3, about: "net1, WebGPU" },
  { work: "step", ours: ["ours-gpu"], others: ["tfjs-webgpu"], times: 3, about: "a step of net1, WebGPU" },
];

const onGraphics = ({ kind, backend, provider }) => kind === "gpu" || /^webg/.test(backend ?? provider);
const partOf = (contestant, { part }) => (onGraphics(contestant) && !REAL ? part : 1);

/**
 * What a contestant cannot do is left out: ONNX Runtime Web does not train, a step begins with windows and not with
 * samples, and a song cannot be cut to one window, because our WebGPU engine fills its batches.
 */
const isAble = (contestant, work) =>
  work.network ? !contestant.whole || partOf(contestant, work) === 1 : contestant.by !== "onnx" && !contestant.whole;

const call = (page, name, ...values) =>
  page.evaluate(async ([name, values]) => (await import("./inference.mjs"))[name](...values), [name, values]);

// What a peer logs is no fault of the page.
const EXPECTED = /^(console|error):/;

/** Opens a page with these further files, isolated, and lets `use` work with it. */
function opened(browser, site, made, use) {
  const prepare = (page) => beside(page, { made, isolated: true });
  return withPage(browser, `${site.address}${PAGE}`, use, { prepare, expected: EXPECTED });
}

/** Opens as many pages, all there at once, so that contestants can take turns. */
function openedTogether(browser, site, made, count, use, pages = []) {
  if (pages.length === count) return use(pages);
  return opened(browser, site, made, (page) => openedTogether(browser, site, made, count, use, [...pages, page]));
}

/** The files of a work under `bench/`: the song's values, and the network as an ONNX model. */
async function filesOf(browser, site, work) {
  if (!work.network) return { made: {}, shape: null };
  const { shape, values } = await opened(browser, site, {}, (page) => call(page, "features", work));
  const inputs = Buffer.from(Float32Array.from(values).buffer);
  const file = (ending) => readFile(join(DIST, "model-weights", `${work.network}.${ending}`));
  const [card, { buffer, byteOffset, byteLength }] = [JSON.parse(await file("json")), await file("safetensors")];
  const model = onnxModel(card, readSafetensors(buffer.slice(byteOffset, byteOffset + byteLength)));
  return { made: { [`inputs/${work.network}`]: inputs, [`onnx/${work.network}`]: model }, shape };
}

const refusal = (error) => error.message.replace(/^page\.evaluate: (\w*Error: )*/, "").split("\n")[0].slice(0, 160);

function impatient(promise) {
  let timer;
  const late = new Promise((_, reject) => {
    const tell = () => reject(new Error(`not done after ${PATIENCE_MILLISECONDS / 1000} s`));
    timer = setTimeout(tell, PATIENCE_MILLISECONDS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Lets the contestants do a work in turns: what each of them found. */
async function inTurns(pages, contestants, work, shape) {
  const found = [];
  for (const [at, contestant] of contestants.entries()) {
    const part = partOf(contestant, work);
    const own = { ...work, count: work.count / part };
    const starting = impatient(call(pages[at], "start", contestant, own, shape));
    const started = await starting.catch((error) => ({ refused: refusal(error) }));
    found.push({ contestant, page: pages[at], part, times: [], ...started });
    // Beside the tables: a run takes minutes.
    console.error(`${work.name}, ${contestant.name}: ${started.refused ?? `ready, ${digits(started.first)} ms`}`);
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const one of found) {
      if (one.refused || (one.slow && round % 3)) continue;
      const { times, probabilities } = await call(one.page, "turn");
      one.times.push(...times);
      one.probabilities = probabilities;
      one.slow ??= times[0] > SLOW_MILLISECONDS;
    }
  }
  return found;
}

/** The largest difference of an answer from the first one's, or from its beginning. */
function difference({ probabilities, part }, reference) {
  if (probabilities.length !== reference.length / part) return Infinity;
  return probabilities.reduce((most, value, at) => Math.max(most, Math.abs(value - reference[at])), 0);
}

function row({ contestant, refused, times, first, version, adapter, part }, differs) {
  const what = [contestant.who, version].filter(Boolean).join(" ");
  if (refused) return `| ${what} | – | – | – | – | – | refused: ${refused.replaceAll("|", "/")} |`;
  const scaled = part > 1 ? `one of ${part} windows, times ${part}` : null;
  const notes = [differs === null ? null : differs.toExponential(0), scaled, adapter].filter(Boolean).join("; ");
  return `| ${what} | ${[...cells(times), digits(first), notes].join(" | ")} |`;
}

const title = ({ name, network, count }) =>
  network ? `\`${network}\` on ${count} windows` : "a step of training `net1`: 32 windows, and 2 for validation";

/** What differs more than it may, of all works: the others are measured first. */
const wrong = [];

/** Measures a work and prints its table; gives the medians by the names of the contestants. */
async function measured(browser, site, work, contestants) {
  const { made, shape } = await filesOf(browser, site, work);
  const able = contestants.filter((one) => isAble(one, work));
  const found = await openedTogether(browser, site, made, able.length, (pages) => inTurns(pages, able, work, shape));
  const reference = found.find(({ refused }) => !refused)?.probabilities ?? [];
  const head = work.network ? "probabilities differ from the first row's by; adapter" : "adapter";
  console.log(`\n**${title(work)}**\n\n| who | median ms | least | largest | runs | warm-up ms | ${head} |`);
  console.log("|---|---:|---:|---:|---:|---:|---|");
  for (const one of found) {
    [one.times, one.first] = [one.times.map((time) => time * one.part), one.first * one.part];
    const differs = one.refused || !work.network ? null : difference(one, reference);
    if (differs > TOLERANCE) wrong.push(`${work.name} by ${one.contestant.name}: ${differs}`);
    console.log(row(one, differs));
  }
  return Object.fromEntries(found.filter(({ times }) => times.length).map((one) => [one.contestant.name, median(one.times)]));
}

function printAims(medians) {
  const lines = AIMS.flatMap(({ work, ours, others, times, about }) => {
    const best = (names) => Math.min(...names.map((name) => medians[work]?.[name] ?? Infinity));
    const [mine, theirs] = [best(ours), best(others)];
    if (!Number.isFinite(mine) || !Number.isFinite(theirs)) return [];
    return `- ${about}: ours ${digits(mine)} ms, theirs ${digits(theirs)} ms: ${(theirs / mine).toFixed(2)} times (aim: ${times})`;
  });
  if (lines.length) console.log(`\n${lines.join("\n")}`);
}

const names = words.filter((word) => !word.startsWith("--"));
const known = [...WORKS, ...CONTESTANTS].map(({ name }) => name);
const unknown = names.find((name) => !known.includes(name));
if (unknown) throw new Error(`there is no ${unknown}: ${known.join(", ")}`);
const chosen = (list) => {
  const named = list.filter(({ name }) => names.includes(name));
  return named.length ? named : list;
};
const site = await startSite();
const browser = await startBrowser({ graphics: REAL ? "real" : "emulated" });
try {
  const load = loadavg()[0].toFixed(1);
  const { webgpu, webgl, threads } = await opened(browser, site, {}, (page) => call(page, "graphics"));
  const day = new Date().toISOString().slice(0, 10);
  console.log(`${day}, Chromium ${browser.version()}, ${cpus().length} cores (${threads} threads for a page), load at the start ${load}.`);
  console.log(`WebGPU: ${webgpu}${REAL ? "" : " (emulated)"}. WebGL: ${webgl}.`);
  const medians = {};
  for (const work of chosen(WORKS)) medians[work.name] = await measured(browser, site, work, chosen(CONTESTANTS));
  printAims(medians);
  if (wrong.length) throw new Error(`the answers are not the same: ${wrong.join("; ")}`);
} finally {
  await browser.close();
  site.stop();
}
