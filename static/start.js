// Starts the page's binary. A file instead of an inline script, so that the security policy needs no exception.

/** Whether the browser has what came last to each; it then has the rest too (xtask/src/browsers.rs). */
function isRecent() {
  // A function of one SIMD instruction.
  const simd = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];
  let modules = false;
  try {
    // No worker starts, because that is no address; the browser reads the options before it says so.
    new Worker("https://", { get type() { modules = true; return "module"; } });
  } catch {}
  return WebAssembly.validate(new Uint8Array(simd)) && modules && "roundRect" in CanvasRenderingContext2D.prototype;
}

if (isRecent()) {
  try {
    const { js, wasm } = document.querySelector("script[data-wasm]").dataset;
    const { default: init } = await import(new URL(js, document.baseURI).href);
    await init({ module_or_path: new URL(wasm, document.baseURI) });
  } catch (error) {
    // The app that shows errors has not started, so the static page shows this one.
    document.querySelector("#not-started").hidden = false;
    throw error;
  }
} else {
  // Otherwise it waits some seconds.
  document.querySelector("#too-old").dataset.known = "";
}
