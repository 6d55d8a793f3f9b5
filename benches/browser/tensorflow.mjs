// In the page: TensorFlow.js with one of its backends, and our networks in it, with the layers in the order of their
// documents, which src/model/networks has too.

async function load(part) {
  const script = document.createElement("script");
  script.src = new URL(`tfjs/tfjs-${part}/dist/tf-${part}.min.js`, import.meta.url);
  await new Promise((resolve, reject) => {
    script.onload = resolve;
    script.onerror = () => reject(new Error(`${script.src} could not be loaded`));
    document.head.append(script);
  });
}

/** Loads the library with a backend: `webgpu`, `webgl`, or `wasm` on one thread. */
export async function useBackend(backend) {
  for (const part of ["core", "backend-cpu", "layers"]) await load(part);
  if (backend !== "cpu") await load(`backend-${backend}`);
  const { tf } = globalThis;
  if (backend === "wasm") {
    tf.wasm.setWasmPaths(new URL("tfjs/tfjs-backend-wasm/dist/", import.meta.url).href);
    tf.wasm.setThreadsCount(1);
  }
  if (!(await tf.setBackend(backend)) || tf.getBackend() !== backend) throw new Error(`there is no ${backend} here`);
  await tf.ready();
  return tf;
}

/** What the layers of both networks are made of. Images are `[windows, bands, frames, channels]`. */
function parts(tf, tensors) {
  const plain = (name) => tf.tensor(tensors[name].values, tensors[name].shape);
  /** `[channels, rows, frames]` or `[channels, 1, bands, frames]` → `[bands or 1, frames, rows or 1, channels]`. */
  const kernel = (name) => {
    const found = plain(name);
    return tf.transpose(found.rank === 3 ? tf.expandDims(found, 2) : found, [2, 3, 1, 0]);
  };
  const convolution = (name, before, after) => {
    const [filter, bias] = [kernel(`${name}.weight`), plain(`${name}.bias`)];
    const pad = [[0, 0], [0, 0], [before, after], [0, 0]];
    return (x) => tf.fused.conv2d({ x, filter, bias, pad, strides: 1, activation: "relu" });
  };
  const dense = (name, activation = "linear") => {
    const [b, bias] = [plain(`${name}.weight`), plain(`${name}.bias`)];
    return (a) => tf.fused.matMul({ a, b, bias, activation });
  };
  const norm = (name) => {
    const [scale, offset, mean, variance] = ["gamma", "beta", "running_mean", "running_var"].map((part) =>
      plain(`${name}.${part}`),
    );
    return (x) => tf.batchNorm(x, mean, variance, offset, scale, 1e-3);
  };
  const [max, mean] = [(x) => tf.max(x, [1, 2]), (x) => tf.mean(x, [1, 2])];
  return { convolution, dense, norm, max, mean };
}

/** net1: `[windows, 1, frames, bands]` to the probabilities of genres. */
function net1(tf, tensors) {
  const { convolution, dense, max, mean } = parts(tf, tensors);
  const c1 = convolution("c1", 0, 0);
  const [c2, c3, c4] = ["c2", "c3", "c4"].map((name) => convolution(name, 1, 2));
  const [d1, d2, d3] = [dense("d1", "relu"), dense("d2", "relu"), dense("d3")];
  return (x) => {
    const first = c1(x);
    const second = c2(first);
    const pooled = tf.concat([max(first), mean(second), max(c3(second)), mean(c4(second))], 1);
    return tf.softmax(d3(d2(d1(pooled))));
  };
}

/** MusiCNN: `[windows, bands, frames, 1]` to the probabilities of tags. */
function musicnn(tf, tensors, { bands }) {
  const { convolution, dense, norm, max, mean } = parts(tf, tensors);
  const fronts = ["timbre_low", "timbre_high", "rhythm_long", "rhythm_middle", "rhythm_short"].map((name) => {
    const [, , tall, long] = tensors[`${name}.convolution.weight`].shape;
    const convolved = convolution(`${name}.convolution`, (long - 1) >> 1, long >> 1);
    const normed = norm(`${name}.norm`);
    return (x) => tf.maxPool(normed(convolved(x)), [bands - tall + 1, 1], 1, "valid");
  });
  const [m1, m2, m3] = ["middle_1", "middle_2", "middle_3"].map((name) => {
    const [convolved, normed] = [convolution(`${name}.convolution`, 3, 3), norm(`${name}.norm`)];
    return (x) => normed(convolved(x));
  });
  const [inputNorm, pooledNorm, denseNorm] = ["input_norm", "pooled_norm", "dense_norm"].map(norm);
  const [hidden, output] = [dense("dense", "relu"), dense("output")];
  return (x) => {
    const input = inputNorm(x);
    const front = tf.concat(fronts.map((part) => part(input)), 3);
    const first = m1(front);
    const second = tf.add(m2(first), first);
    const third = tf.add(m3(second), second);
    const all = tf.concat([front, first, second, third], 3);
    // Interleaved: each channel's maximum, then its mean.
    const pooled = tf.reshape(tf.stack([max(all), mean(all)], 2), [x.shape[0], -1]);
    return tf.sigmoid(output(denseNorm(hidden(pooledNorm(pooled)))));
  };
}

/**
 * A network by a backend. Every `run` puts the windows into a tensor, and reads the probabilities back; the windows are
 * laid out before, as the network takes them.
 */
export async function tensorflowPredictor({ backend }, { card, tensors, windows }) {
  const tf = await useBackend(backend);
  const { values, count, frames, bands } = windows;
  const isNet1 = card.architecture === "net1";
  const forward = isNet1 ? net1(tf, tensors) : musicnn(tf, tensors, card);
  const data = isNet1 ? values("frames first") : values("bands first");
  const shape = isNet1 ? [count, 1, frames, bands] : [count, bands, frames, 1];
  const run = async () => {
    const found = tf.tidy(() => forward(tf.tensor(data, shape)));
    const probabilities = await found.data();
    found.dispose();
    return probabilities;
  };
  return { run, version: tf.version_core };
}
