// Starts the page's binary, and says on the page when it has stopped. A file instead of an inline script, so that the
// security policy needs no exception.
const show = (id) => {
  // Once, with the first reason: an error at the start is also thrown on, for the console.
  if (document.querySelector("#stopped:not([hidden]), #not-started:not([hidden])")) return;
  const place = document.querySelector(id);
  place.hidden = false;
  place.scrollIntoView({ block: "center" });
};

// After an error within the binary nothing of the page works any more, and the binary itself cannot say so. What else goes
// wrong, such as an error of a browser's extension, does not stop it.
const stopped = (error) =>
  error instanceof WebAssembly.RuntimeError ||
  (error instanceof Error && !(error instanceof DOMException) && /wasm/.test(error.stack ?? ""));

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
  addEventListener("error", ({ error }) => stopped(error) && show("#stopped"));
  addEventListener("unhandledrejection", ({ reason }) => stopped(reason) && show("#stopped"));
  try {
    const { js, wasm } = document.querySelector("script[data-wasm]").dataset;
    const { default: init } = await import(new URL(js, document.baseURI).href);
    await init({ module_or_path: new URL(wasm, document.baseURI) });
  } catch (error) {
    // A binary that cannot be fetched, or does not fit to the page.
    show(error instanceof WebAssembly.RuntimeError ? "#stopped" : "#not-started");
    throw error;
  }
} else {
  // Otherwise it waits some seconds.
  document.querySelector("#too-old").dataset.known = "";
}
