// Starts the page's binary, and says on the page when it has stopped. A file instead of an inline script, so that the
// security policy needs no exception.
const show = (id) => {
  const place = document.querySelector(id);
  if (!place.hidden) return;
  place.hidden = false;
  place.scrollIntoView({ block: "center" });
};

// After an error within the binary nothing of the page works any more, and the binary itself cannot say so. What else goes
// wrong, such as an error of a browser's extension, does not stop it.
const stopped = (error) =>
  error instanceof WebAssembly.RuntimeError ||
  (error instanceof Error && !(error instanceof DOMException) && /wasm/.test(error.stack ?? ""));

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
