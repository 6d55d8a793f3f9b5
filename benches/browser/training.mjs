// In the page: epochs of net1 from random weights, by an engine of ours or by a backend of TensorFlow.js.
//
// Both do the same work: 320 training windows of 128 bands and 39 columns (80 clips in ten classes, four windows of
// each), in batches of 32, and 20 validation windows; the paper's dropout and weight penalty; Adam with a learning rate
// of 2e-3, ours with decoupled weight decay, which TensorFlow.js does not have; no running average of the weights. If
// that takes too long, they do a tenth of it: 32 training windows in one step, and 2 for validation.
import { embeddedJob, fromScratch, noise, startEngine } from "./engine.mjs";

const BANDS = 128;
const FRAMES = 39;
const CLASSES = 10;
const BATCH = 32;
const WINDOWS_PER_CLIP = 4;
const CLIPS = { train: 80, valid: 20 };
const RATE = 2e-3;
const SMOOTHING = 0.1;

/** The ends of `epochs` epochs on one `part`th of the work, in milliseconds; the beginning comes first. */
export async function ours(kind, { part, epochs }) {
  const engine = await startEngine(kind);
  const recipe = {
    epochs,
    batch: BATCH,
    windows_per_song: WINDOWS_PER_CLIP,
    optimiser: "adamw",
    learning_rate: RATE,
    schedule: "constant",
    weight_decay: 0.1,
    label_smoothing: SMOOTHING,
    paper_penalty: true,
    keep: "last",
  };
  const [train, valid] = [CLIPS.train / part, CLIPS.valid / part];
  const job = await embeddedJob(engine, { model: fromScratch("net1"), classes: CLASSES, train, valid, recipe });
  const ends = [performance.now()];
  const losses = [];
  const { result } = await engine.ask({ Train: { job } }, "Trained", undefined, ({ name, told, at }) => {
    if (name !== "Epoch") return;
    ends.push(at);
    losses.push(told.train_loss);
  });
  engine.stop();
  return { ends, losses, parameters: result.parameters, adapter: engine.adapter };
}

const LIBRARY = ["core", "backend-cpu", "layers"];

async function load(part) {
  const script = document.createElement("script");
  script.src = new URL(`tfjs/tfjs-${part}/dist/tf-${part}.min.js`, import.meta.url);
  await new Promise((resolve, reject) => {
    script.onload = resolve;
    script.onerror = () => reject(new Error(`${script.src} could not be loaded`));
    document.head.append(script);
  });
}

async function useBackend(backend) {
  for (const part of LIBRARY) await load(part);
  if (backend !== "cpu") await load(`backend-${backend}`);
  const { tf } = globalThis;
  if (backend === "wasm") tf.wasm.setWasmPaths(new URL("tfjs/tfjs-backend-wasm/dist/", import.meta.url).href);
  if (!(await tf.setBackend(backend)) || tf.getBackend() !== backend) throw new Error(`there is no ${backend} here`);
  await tf.ready();
  return tf;
}

/** net1 as src/model/net1.rs has it. */
function net1(tf) {
  const { layers } = tf;
  const convolution = (filters, padding, l2) =>
    layers.conv1d({ filters, kernelSize: 4, padding, activation: "relu", kernelRegularizer: tf.regularizers.l2({ l2 }) });
  const dense = (units, activation) => layers.dense({ units, activation });
  const input = tf.input({ shape: [FRAMES, BANDS] });
  const c1 = layers.dropout({ rate: 0.2 }).apply(convolution(256, "valid", 0.02).apply(input));
  const c2 = convolution(256, "same", 0.01).apply(c1);
  const [c3, c4] = [1, 2].map(() => convolution(128, "same", 0.01).apply(c2));
  const [max, mean] = [() => layers.globalMaxPooling1d(), () => layers.globalAveragePooling1d()];
  const pooled = [max().apply(c1), mean().apply(c2), max().apply(c3), mean().apply(c4)];
  const features = dense(64, "relu").apply(dense(256, "relu").apply(layers.concatenate().apply(pooled)));
  const logits = dense(CLASSES).apply(layers.dropout({ rate: 0.1 }).apply(features));
  const model = tf.model({ inputs: input, outputs: logits });
  const loss = (truth, found) => tf.losses.softmaxCrossEntropy(truth, found);
  model.compile({ optimizer: tf.train.adam(RATE), loss });
  return model;
}

/** So many windows of noise, and their smoothed labels. */
function windows(tf, count, seed) {
  const draw = noise(seed);
  const values = Float32Array.from({ length: count * FRAMES * BANDS }, (_, at) => {
    const label = Math.floor(at / (FRAMES * BANDS)) % CLASSES;
    return draw() + label / CLASSES;
  });
  const rest = SMOOTHING / CLASSES;
  const targets = Float32Array.from({ length: count * CLASSES }, (_, at) => {
    const label = Math.floor(at / CLASSES) % CLASSES;
    return at % CLASSES === label ? rest + 1 - SMOOTHING : rest;
  });
  return [tf.tensor3d(values, [count, FRAMES, BANDS]), tf.tensor2d(targets, [count, CLASSES])];
}

/** The same by TensorFlow.js. */
export async function tensorflow(backend, { part, epochs }) {
  const tf = await useBackend(backend);
  const model = net1(tf);
  const [inputs, targets] = windows(tf, (CLIPS.train * WINDOWS_PER_CLIP) / part, 1);
  const validationData = windows(tf, CLIPS.valid / part, 2);
  const ends = [performance.now()];
  const losses = [];
  const onEpochEnd = (_, logs) => {
    ends.push(performance.now());
    losses.push(logs.loss);
  };
  const settings = { batchSize: BATCH, epochs, shuffle: true, validationData, yieldEvery: "epoch", verbose: 0 };
  await model.fit(inputs, targets, { ...settings, callbacks: { onEpochEnd } });
  return { ends, losses, parameters: model.countParams(), version: tf.version_core };
}
