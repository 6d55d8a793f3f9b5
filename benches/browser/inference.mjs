// In the page: one contestant that predicts windows or takes steps of training, in turns with others in other pages.
import { noise, startEngine } from "./engine.mjs";
import { onnxPredictor } from "./onnx-runtime.mjs";
import { readSafetensors } from "./safetensors.mjs";
import { tensorflowPredictor } from "./tensorflow.mjs";
import { ourTrainer, tensorflowTrainer } from "./training.mjs";

const RATE = 22_050;
// What takes less than this is done several times in a turn, so that one interruption does not make a whole turn.
const TURN_MILLISECONDS = 150;
const MOST_IN_A_TURN = 10;

/** Tones in noise, another tone in every half second. */
function song(seconds) {
  const draw = noise(7919);
  let phase = 0;
  return Float32Array.from({ length: Math.round(seconds * RATE) }, (_, at) => {
    const tone = Math.floor((2 * at) / RATE) % 12;
    phase += (2 * Math.PI * 110 * 2 ** (tone / 4)) / RATE;
    return 0.3 * Math.sin(phase) + 0.15 * Math.sin(3 * phase) + 0.1 * draw();
  });
}

const weightsFile = (name) => fetch(new URL(`../model-weights/${name}`, import.meta.url));

async function weightsOf(name) {
  const [card, weights] = await Promise.all([weightsFile(`${name}.json`), weightsFile(`${name}.safetensors`)]);
  return { card: await card.json(), bytes: await weights.arrayBuffer() };
}

/** The song as our front end hands it to a network: the size of its only segment, and the values `[columns, bands]`. */
export async function features({ network, seconds }) {
  const { card } = await weightsOf(network);
  const { architecture, front_end, frames } = card;
  const model = { from_scratch: { architecture, front_end, rows: null, frames, width: 1 } };
  const engine = await startEngine("cpu");
  const request = { Embed: { clip: "0".repeat(64), file: "song", sample_rate: RATE, model, keep: false } };
  const { name, told, payload } = await engine.send(request, song(seconds)).last;
  engine.stop();
  if (name !== "Features" || told.segments.length !== 1) throw new Error(`no features: ${name} ${JSON.stringify(told)}`);
  return { shape: told.segments[0], values: [...payload] };
}

/**
 * The windows as peers get them: the same columns of the segment as ours takes, normalised as ours are
 * (src/model/windows.rs).
 */
function cut(segment, { bands, columns }, { hop, count, unitRange }, frames) {
  const value = (window, frame, band) => {
    const found = segment[(window * hop + frame) * bands + band];
    return unitRange ? (found - 0.5) / 0.25 : found;
  };
  if ((count - 1) * hop + frames > columns) throw new Error(`${columns} columns have no ${count} windows`);
  const size = frames * bands;
  const values = (order) =>
    Float32Array.from({ length: count * size }, (_, at) => {
      const [window, rest] = [Math.floor(at / size), at % size];
      if (order === "bands first") return value(window, rest % frames, Math.floor(rest / frames));
      return value(window, Math.floor(rest / bands), rest % bands);
    });
  return { values, count, frames, bands };
}

/**
 * A network by an engine of ours. Every `run` is from the message with the data to the message with the answer: the
 * segment's values to its windows' probabilities, or with `whole` the song's samples to its prediction.
 */
async function ourPredictor({ kind, whole }, { work, card, bytes, shape: { columns, bands }, segment }) {
  const engine = await startEngine(kind);
  await engine.ask({ Load: { card } }, "Loaded", new Uint8Array(bytes));
  const shape = { start_seconds: 0, columns: Math.min(columns, work.count * work.hop + card.frames - work.hop), bands };
  const payload = whole ? song(work.seconds) : segment.subarray(0, shape.columns * bands);
  const run = async () => {
    // The message takes the values with it.
    const values = payload.slice();
    const started = performance.now();
    const { name, told, at } = whole
      ? await engine.send({ Classify: { file: "song", sample_rate: RATE } }, values).last
      : await engine.send({ PredictSegment: { shape } }, values).last;
    if (!["Classified", "SegmentPredicted"].includes(name)) throw new Error(`${name}: ${JSON.stringify(told)}`);
    const windows = whole ? told.windows : told.map(({ scores }) => scores);
    return { took: at - started, probabilities: windows.flatMap(({ probabilities }) => probabilities) };
  };
  return { run, adapter: engine.adapter };
}

async function peer(makePredictor, settings, { work, card, bytes, shape, segment }) {
  const tensors = readSafetensors(bytes);
  const windows = cut(segment, shape, work, card.frames);
  const { run, version } = await makePredictor(settings, { name: work.network, card, tensors, windows });
  const timed = async () => {
    const started = performance.now();
    const probabilities = await run();
    return { took: performance.now() - started, probabilities: [...probabilities] };
  };
  return { run: timed, version };
}

const PREDICTORS = {
  ours: ourPredictor,
  tensorflow: (settings, input) => peer(tensorflowPredictor, settings, input),
  onnx: (settings, input) => peer(onnxPredictor, settings, input),
};

/** Steps of training: an epoch of one step and of a validation, the second of two, because the first also sets up. */
async function trainer({ by, kind, backend }) {
  const { train, adapter, version } = by === "ours" ? await ourTrainer(kind, 10) : await tensorflowTrainer(backend, 10);
  const run = async () => {
    const { ends, losses } = await train(2);
    if (!losses.every(Number.isFinite)) throw new Error(`it lost its way: ${losses}`);
    return { took: ends[2] - ends[1], probabilities: [] };
  };
  return { run, adapter, version };
}

async function predictor(contestant, work, shape) {
  const { card, bytes } = await weightsOf(work.network);
  const file = await fetch(new URL(`inputs/${work.network}`, import.meta.url));
  const segment = new Float32Array(await file.arrayBuffer());
  return PREDICTORS[contestant.by](contestant, { work, card, bytes, shape, segment });
}

let current = null;

/** Makes the contestant of this page ready and lets it do its work once, which compiles what is to compile. */
export async function start(contestant, work, shape) {
  current = work.network ? await predictor(contestant, work, shape) : await trainer(contestant);
  const { took, probabilities } = await current.run();
  return { first: took, probabilities, adapter: current.adapter ?? null, version: current.version ?? null };
}

/** Its next turn: how long it took, each time, and the last answer. */
export async function turn() {
  const times = [];
  const ends = performance.now() + TURN_MILLISECONDS;
  let last;
  do {
    last = await current.run();
    times.push(last.took);
  } while (times.length < MOST_IN_A_TURN && performance.now() < ends);
  return { times, probabilities: last.probabilities };
}

/** What graphics this browser offers to pages. */
export async function graphics() {
  const adapter = await navigator.gpu?.requestAdapter();
  const { vendor, architecture, device, description } = adapter?.info ?? {};
  const gl = new OffscreenCanvas(1, 1).getContext("webgl2");
  const extension = gl?.getExtension("WEBGL_debug_renderer_info");
  return {
    webgpu: [vendor, architecture, device, description].filter(Boolean).join(" ") || "none",
    webgl: (gl && gl.getParameter(extension?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER)) || "none",
    threads: navigator.hardwareConcurrency,
  };
}
