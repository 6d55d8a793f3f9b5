// In the page: our front end, in every build of it, and essentia.js, on the same samples.
import Essentia from "./essentia/essentia.js-core.es.js";
import { EssentiaWASM } from "./essentia/essentia-wasm.es.js";

const WARM_UP = 3;
const RUNS = 30;
// It takes a hundred times as long.
const ESSENTIA_RUNS = 10;
const BUILDS = ["simd", "no-simd"];

/** Every front end's times in milliseconds and sum of mel values, and essentia.js's times for the one named `compared`. */
export async function measure(compared) {
  if (!crossOriginIsolated) throw new Error("without isolation the clock is too coarse");
  const modules = await Promise.all(BUILDS.map((build) => import(`./${build}/front_end_bench.js`)));
  await Promise.all(modules.map((module) => module.default()));
  const frontEnds = modules[0].names().map((name) => frontEnd(modules, name));
  return { frontEnds, essentia: essentia(modules[0].Planned.by_name(compared)) };
}

function frontEnd(modules, name) {
  const planned = modules.map((module) => module.Planned.by_name(name));
  const samples = planned[0].signal();
  const [values, ...others] = planned.map((one) => one.mel_values(samples));
  for (const other of others) demand(correlation(values, other) > 0.99999, "the builds differ", name);
  const times = alternately(planned.map((one) => () => one.mel_values(samples)));
  const builds = Object.fromEntries(BUILDS.map((build, index) => [build, times[index]]));
  const numbers = JSON.parse(planned[0].numbers());
  return { ...numbers, sum: values.reduce((sum, value) => sum + value, 0), builds };
}

/** Times in turns: what else the machine does meets all of them alike. */
function alternately(works) {
  const times = works.map(() => []);
  for (let run = -WARM_UP; run < RUNS; run += 1) {
    works.forEach((work, index) => {
      const time = timed(work);
      if (run >= 0) times[index].push(time);
    });
  }
  return times;
}

function timed(work) {
  const start = performance.now();
  work();
  return performance.now() - start;
}

function essentia(planned) {
  const numbers = JSON.parse(planned.numbers());
  const samples = planned.signal();
  const library = new Essentia(EssentiaWASM);
  const frames = melFrames(library, samples, numbers);
  const alike = sameBands(planned.mel_values(samples), frames);
  demand(alike > 0.99, `essentia.js computes something else, correlation ${alike}`, numbers.name);
  const times = Array.from({ length: ESSENTIA_RUNS }, () => timed(() => melFrames(library, samples, numbers)));
  return { times, alike };
}

// As its examples do it: one frame after another through the three algorithms, and the bands out as an array.
function melFrames(library, samples, { n_fft, hop_length, mel_bands, f_min, f_max, sample_rate }) {
  const frames = library.FrameGenerator(samples, n_fft, hop_length);
  const found = [];
  for (let index = 0; index < frames.size(); index += 1) {
    const frame = frames.get(index);
    const { frame: windowed } = library.Windowing(frame, false, n_fft, "hann", 0, false);
    const { spectrum } = library.Spectrum(windowed, n_fft);
    const { bands } = library.MelBands(
      spectrum, f_max, n_fft / 2 + 1, false, f_min, "unit_tri", mel_bands, sample_rate, "power", "slaneyMel", "linear",
    );
    found.push(library.vectorToArray(bands));
    for (const vector of [frame, windowed, spectrum, bands]) vector.delete();
  }
  frames.delete();
  return found;
}

/** The correlation of log bands; both centre their frames, and essentia.js may give one more at the end. */
function sameBands(values, frames) {
  const theirs = frames.flatMap((bands) => [...bands]);
  const length = Math.min(values.length, theirs.length);
  return correlation(values.subarray(0, length), theirs.slice(0, length));
}

function correlation(left, right) {
  const [a, b] = [left, right].map((values) => centred(Array.from(values, (value) => Math.log10(value + 1e-10))));
  const dot = (x, y) => x.reduce((sum, value, index) => sum + value * y[index], 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

function centred(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.map((value) => value - mean);
}

function demand(holds, complaint, name) {
  if (!holds) throw new Error(`${name}: ${complaint}`);
}
