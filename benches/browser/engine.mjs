// In the page: one of our engines in its worker, driven as the app drives it. The messages are those of src/protocol.rs
// and src/training_job.rs, in the form of src/web/wire.rs.

// Events before the last one of a request.
const ON_THE_WAY = new Set(["Step", "Epoch", "Checkpoint", "Warning", "Progress", "Spectrogram", "SoFar"]);

/** Starts the engine of a kind, `cpu` or `gpu`, that lies beside the folder of this script, and waits until it is ready. */
export async function startEngine(kind) {
  // The page names its files, whose names change with their content.
  const home = new URL("../", import.meta.url);
  const page = new DOMParser().parseFromString(await (await fetch(home)).text(), "text/html");
  const loader = page.querySelector("script[data-wasm]").getAttribute(`data-${kind}-worker`);
  const worker = new Worker(new URL(loader, home), { type: "module" });
  const listeners = new Map();
  worker.onmessage = ({ data: { head, payload } }) => {
    const [name, told] = typeof head.body === "string" ? [head.body, {}] : Object.entries(head.body)[0];
    listeners.get(head.id)?.({ name, told, payload, at: performance.now() });
  };
  const ready = await new Promise((resolve, reject) => {
    worker.onerror = ({ message }) => reject(new Error(`the ${kind} engine did not start: ${message}`));
    listeners.set(0, ({ name, told }) => {
      if (name === "Ready") resolve(told);
      else reject(new Error(`the ${kind} engine did not start: ${JSON.stringify(told)}`));
    });
  });
  let next = 1;
  const post = (id, body, payload) => {
    worker.postMessage({ head: { id, body }, payload }, payload?.buffer ? [payload.buffer] : []);
  };

  /** Sends a request: its id, and its last event as a promise. `onTheWay` is called with every event before that. */
  function send(body, payload, onTheWay = () => {}) {
    const id = next++;
    const last = new Promise((resolve) => {
      listeners.set(id, (event) => {
        if (ON_THE_WAY.has(event.name)) return onTheWay(event);
        listeners.delete(id);
        resolve(event);
      });
    });
    post(id, body, payload);
    return { id, last };
  }

  /** Sends a request and waits for its last event, which has to be the wanted one. */
  async function ask(body, wanted, payload, onTheWay) {
    const event = await send(body, payload, onTheWay).last;
    if (event.name !== wanted) throw new Error(`not ${wanted} but ${event.name}: ${JSON.stringify(event.told)}`);
    return event.told;
  }

  const cancel = (request) => post(next++, { Cancel: { request } });
  return { adapter: ready.engine.adapter?.name ?? null, send, ask, cancel, stop: () => worker.terminate() };
}

const RATE = 22_050;
const CLIP_SECONDS = 3;

/** Noise from a seed, -1 to 1: Park and Miller's generator. */
export function noise(seed) {
  let state = 1 + seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 1_073_741_823.5 - 1;
  };
}

/** Three seconds of a tone of its class in noise. */
function samples(clip, label) {
  const draw = noise(7919 * clip);
  const step = (2 * Math.PI * 110 * 2 ** (label / 3)) / RATE;
  return Float32Array.from({ length: CLIP_SECONDS * RATE }, (_, at) => 0.3 * Math.sin(step * at) + 0.1 * draw());
}

/** A network of the registry from random weights, as the page trains it. */
export function fromScratch(architecture) {
  return { from_scratch: { architecture, front_end: "gtzan-logmel", rows: null, frames: 39, width: 1 } };
}

/**
 * A training job on so many clips, of these classes in turn; the last `valid` of them are for validation. The engine has
 * embedded them all.
 */
export async function embeddedJob(engine, { model, classes, train, valid, recipe }) {
  const clips = Array.from({ length: train + valid }, (_, clip) => ({
    id: clip.toString(16).padStart(64, "0"),
    name: `clip ${clip}`,
    group: null,
    labels: [clip % classes],
    split: clip < train ? "train" : "valid",
  }));
  for (const [index, { id, name, labels }] of clips.entries()) {
    const request = { Embed: { clip: id, file: name, sample_rate: RATE, model, keep: true } };
    await engine.ask(request, "Embedded", samples(index, labels[0]));
  }
  const labels = Array.from({ length: classes }, (_, label) => `class ${label}`);
  return { name: "timed", labels, multi_label: false, model, clips, recipe };
}
