// What the GPU engine's worker asks of WebGPU, counted by functions put around the browser's own, and the time that its
// thread works. Neither depends on how fast the adapter is.

// Runs in the worker before the worker's own script.
function countCalls() {
  const counts = { dispatches: 0, submits: 0, reads: 0, pipelines: 0, buffers: 0 };
  const around = (type, method, name) => {
    const prototype = globalThis[type]?.prototype;
    const own = prototype?.[method];
    // A method that is no longer called that way would be counted as never called.
    if (!own) throw new Error(`there is no ${type}.${method}`);
    prototype[method] = function (...given) {
      counts[name] += 1;
      return own.apply(this, given);
    };
  };
  around("GPUComputePassEncoder", "dispatchWorkgroups", "dispatches");
  around("GPUComputePassEncoder", "dispatchWorkgroupsIndirect", "dispatches");
  around("GPUQueue", "submit", "submits");
  around("GPUBuffer", "mapAsync", "reads");
  around("GPUDevice", "createComputePipeline", "pipelines");
  around("GPUDevice", "createComputePipelineAsync", "pipelines");
  around("GPUDevice", "createBuffer", "buffers");
  globalThis.webgpuCalls = counts;
}

const isGpuWorker = (worker) => worker.url().includes("gpu_worker");

/** Counts the WebGPU calls of the page's GPU engine from its start. */
export async function countWebGpu(page) {
  await page.route("**/gpu_worker_loader*.js", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `(${countCalls})();\n${await response.text()}` });
  });
}

/** The calls while `act` runs: the difference of the counts after it and before it. */
export async function webgpuCalls(page, act) {
  const counts = () => page.workers().find(isGpuWorker).evaluate(() => ({ ...globalThis.webgpuCalls }));
  const before = await counts();
  await act();
  const after = await counts();
  return Object.fromEntries(Object.entries(after).map(([name, count]) => [name, count - before[name]]));
}

/**
 * Milliseconds that the thread of the page's GPU worker works while `act` runs, by the browser's sampling profiler: all
 * samples but those in which it waits.
 */
export async function workOfGpuWorker(page, act) {
  const session = await page.context().newCDPSession(page);
  const [targets, waiting] = [[], new Map()];
  session.on("Target.attachedToTarget", (target) => targets.push(target));
  session.on("Target.receivedMessageFromTarget", ({ message }) => {
    const { id, result, error } = JSON.parse(message);
    const { done, failed } = waiting.get(id) ?? {};
    error ? failed?.(new Error(error.message)) : done?.(result);
  });
  // Not flattened: a session of its own would be none of Playwright's.
  await session.send("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: false, flatten: false });
  const found = () => targets.find(({ targetInfo }) => targetInfo.url.includes("gpu_worker"));
  while (!found()) await page.waitForTimeout(20);
  let id = 0;
  const call = (method, params = {}) =>
    new Promise((done, failed) => {
      id += 1;
      waiting.set(id, { done, failed });
      const message = JSON.stringify({ id, method, params });
      session.send("Target.sendMessageToTarget", { sessionId: found().sessionId, message }).catch(failed);
    });
  await call("Profiler.enable");
  await call("Profiler.setSamplingInterval", { interval: 1000 });
  await call("Profiler.start");
  await act();
  const { profile } = await call("Profiler.stop");
  await session.detach();
  const nameOf = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame.functionName]));
  const worked = profile.samples.map((node, at) => (nameOf.get(node) === "(idle)" ? 0 : profile.timeDeltas[at]));
  return worked.reduce((sum, took) => sum + took, 0) / 1000;
}
