// Starts the page's binary. A file and not an inline script, so that the page needs no exception in its policy.
try {
  const { js, wasm } = document.querySelector("script[data-wasm]").dataset;
  const { default: init } = await import(new URL(js, document.baseURI).href);
  await init({ module_or_path: new URL(wasm, document.baseURI) });
} catch (error) {
  // Nothing else is left that could say it.
  document.querySelector("#not-started").hidden = false;
  throw error;
}
