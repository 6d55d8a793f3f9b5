// The built page and a browser, for as long as the tests of a file run.
import { after, before } from "node:test";
import { startBrowser, withPage } from "./browser.mjs";
import { startSite } from "./site.mjs";

/**
 * Serves the page and starts a browser before the tests of the calling file, and ends both after them. Until then
 * `address` and `browser` are not there. `open` and `onCpu` are `withPage` on it, the query first;
 * `onCpu` with a network that is chosen, so that nothing refines its answer, and one worker, whatever cores there are.
 */
export function builtPage() {
  let site;
  const built = {
    open: (query, use, options) => withPage(built.browser, `${built.address}${query}`, use, options),
    onCpu: (use, options) => built.open("?engine=cpu&network=net1-gtzan&workers=1", use, options),
  };
  before(async () => {
    site = await startSite();
    built.address = site.address;
    built.browser = await startBrowser();
  });
  after(async () => {
    await built.browser?.close();
    site?.stop();
  });
  return built;
}
