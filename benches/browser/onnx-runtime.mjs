// In the page: ONNX Runtime Web with one of its execution providers, and our networks as the models of onnx.mjs.

/**
 * A network by a provider, `wasm` on so many threads or `webgpu`. Every `run` puts the windows into a tensor, and reads
 * the probabilities back; the windows are laid out before, as the network takes them.
 */
export async function onnxPredictor({ provider, threads }, { name, card, windows }) {
  const ort = await import(new URL(`ort/ort.${provider}.min.mjs`, import.meta.url));
  ort.env.logLevel = "error";
  ort.env.wasm.wasmPaths = new URL("ort/", import.meta.url).href;
  ort.env.wasm.numThreads = threads === "all" ? navigator.hardwareConcurrency : 1;
  const { values, count, frames, bands } = windows;
  const model = new Uint8Array(await (await fetch(new URL(`onnx/${name}`, import.meta.url))).arrayBuffer());
  const session = await ort.InferenceSession.create(model, {
    executionProviders: [provider],
    // It optimises for shapes that it knows.
    freeDimensionOverrides: { windows: count },
  });
  const data = values("bands first");
  const shape = card.architecture === "net1" ? [count, bands, frames] : [count, 1, bands, frames];
  const run = async () => {
    const found = await session.run({ input: new ort.Tensor("float32", data, shape) });
    return found[session.outputNames[0]].getData();
  };
  return { run, version: ort.env.versions.web };
}
