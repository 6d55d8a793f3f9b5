// Starts the page's binary. A file instead of an inline script, so that the security policy needs no exception.
try {
  const { js, wasm } = document.querySelector("script[data-wasm]").dataset;
  const { default: init } = await import(new URL(js, document.baseURI).href);
  await init({ module_or_path: new URL(wasm, document.baseURI) });
} catch (error) {
  // The app that shows errors has not started, so the static page shows this one.
  document.querySelector("#not-started").hidden = false;
  throw error;
}
