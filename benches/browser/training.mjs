// In the page: epochs of net1 from random weights, by an engine of ours or by a backend of TensorFlow.js.
//
// Both do the same work: 320 training windows of 128 bands and 39 columns (80 clips in ten classes, four windows of
// each), in batches of 32, and 20 validation windows; the paper's dropout and weight penalty; Adam with a learning rate
// of 2e-3, ours with decoupled weight decay, which TensorFlow.js does not have; no running average of the weights. If
// that takes too long, they do a tenth of it: 32 training windows in one step, and 2 for validation.
import { embeddedJob, fromScratch, noise, startEngine } from "./engine.mjs";
import { useBackend } from "./tensorflow.mjs";

const BANDS = 128;
const FRAMES = 39;
const CLASSES = 10;
const BATCH = 32;
const WINDOWS_PER_CLIP = 4;
const CLIPS = { train: 80, valid: 20 };
const RATE = 2e-3;
const SMOOTHING = 0.1;

/**
 * An engine of ours with one `part`th of the work. `train` does so many epochs from random weights: their ends in
 * milliseconds, the beginning first, and their losses.
 */
export async function ourTrainer(kind, part) {
  const engine = await startEngine(kind);
  const recipe = {
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
  const run = async (epochs) => {
    job.recipe.epochs = epochs;
    const ends = [performance.now()];
    const losses = [];
    const { result } = await engine.ask({ Train: { job } }, "Trained", undefined, ({ name, told, at }) => {
      if (name !== "Epoch") return;
      ends.push(at);
      losses.push(told.train_loss);
    });
    return { ends, losses, parameters: result.parameters };
  };
  return { train: run, adapter: engine.adapter, stop: engine.stop };
}

/** Epochs on one `part`th of the work by an engine of ours. */
export async function ours(kind, { part, epochs }) {
  const { train, adapter, stop } = await ourTrainer(kind, part);
  const found = await train(epochs);
  stop();
  return { ...found, adapter };
}

/** net1 as src/model/networks/net1.rs has it. */
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

/** The same as {@link ourTrainer} by TensorFlow.js, which goes on from the weights that it has. */
export async function tensorflowTrainer(backend, part) {
  const tf = await useBackend(backend);
  const model = net1(tf);
  const [inputs, targets] = windows(tf, (CLIPS.train * WINDOWS_PER_CLIP) / part, 1);
  const validationData = windows(tf, CLIPS.valid / part, 2);
  const train = async (epochs) => {
    const ends = [performance.now()];
    const losses = [];
    const onEpochEnd = (_, logs) => {
      ends.push(performance.now());
      losses.push(logs.loss);
    };
    const settings = { batchSize: BATCH, epochs, shuffle: true, validationData, yieldEvery: "epoch", verbose: 0 };
    await model.fit(inputs, targets, { ...settings, callbacks: { onEpochEnd } });
    return { ends, losses, parameters: model.countParams() };
  };
  return { train, version: tf.version_core };
}

/** Epochs on one `part`th of the work by TensorFlow.js. */
export async function tensorflow(backend, { part, epochs }) {
  const { train, version } = await tensorflowTrainer(backend, part);
  return { ...(await train(epochs)), version };
}
