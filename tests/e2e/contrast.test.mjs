// Text that can be read: the contrast of every sentence on the page with what is behind it, in both colour schemes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtPage } from "./built.mjs";
import { oneClipPerGenre } from "./clips.mjs";
import { choose } from "./genrelens-page.mjs";
import { madeFolder } from "./made.mjs";
import { collect } from "./training-page.mjs";

const MINUTE = 60_000;
const [{ file: song }] = oneClipPerGenre();
const built = builtPage();

// Runs in the page: sentences whose contrast is below that of WCAG 2.2, 1.4.3. Labels of disabled controls are exempt.
function tooFaint() {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const colours = new Map();
  const rgba = (colour) => {
    if (!colours.has(colour)) colours.set(colour, drawn(colour));
    return colours.get(colour);
  };
  const drawn = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    return { channels: [red, green, blue], alpha: alpha / 255 };
  };
  const over = (front, alpha, back) => front.map((value, at) => alpha * value + (1 - alpha) * back[at]);
  const luminance = (channels) => {
    const gamma = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    const linear = channels.map((value) => gamma(value / 255));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const styles = new Map();
  /** The colours of an element's text and of what is behind it, as they are seen. */
  const seen = (element) => {
    const chain = [];
    for (let place = element; place; place = place.parentElement) {
      if (!styles.has(place)) {
        const { opacity, backgroundColor, color, fontSize, fontWeight } = getComputedStyle(place);
        styles.set(place, { opacity, backgroundColor, color, fontSize, fontWeight });
      }
      chain.unshift(styles.get(place));
    }
    let [text, back] = [rgba("white").channels, rgba("Canvas").channels];
    const layers = [];
    for (const style of chain) {
      layers.push({ opacity: Number(style.opacity), before: back });
      const own = rgba(style.backgroundColor);
      back = over(own.channels, own.alpha, back);
    }
    const colour = rgba(chain.at(-1).color);
    text = over(colour.channels, colour.alpha, back);
    // What is translucent shows what lies behind all of it.
    for (const { opacity, before } of layers.reverse()) {
      if (opacity < 1) [text, back] = [over(text, opacity, before), over(back, opacity, before)];
    }
    return [text, back];
  };
  const isLabel = (element) => {
    const control = element.closest("button, input, select, textarea") ?? element.closest("label")?.control;
    return Boolean(control?.disabled);
  };
  const faint = new Map();
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (words.nextNode()) {
    const element = words.currentNode.parentElement;
    const text = words.currentNode.textContent.trim();
    if (!text || !element.checkVisibility({ visibilityProperty: true }) || isLabel(element)) continue;
    // Gradients and pictures have no one colour; screen readers' texts are not seen.
    if (element.closest("option, script, style, noscript, svg, canvas") || element.getBoundingClientRect().width < 2) continue;
    const [front, back] = seen(element).map(luminance);
    const contrast = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    const style = styles.get(element);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const name = `${element.tagName.toLowerCase()}#${element.id} “${text.slice(0, 60)}”`;
    if (contrast < (large ? 3 : 4.5) - 0.005) faint.set(name, contrast.toFixed(2));
  }
  return [...faint].map(([text, contrast]) => `${text}: ${contrast}`);
}

test("21: every sentence can be read, in both colour schemes", { timeout: 2 * MINUTE }, () =>
  built.open("?engine=cpu&network=net1-gtzan", async (page) => {
    const faint = new Map();
    const look = async (where) => {
      for (const colorScheme of ["dark", "light"]) {
        await page.emulateMedia({ colorScheme });
        // Colours change in transitions.
        await page.waitForTimeout(300);
        for (const line of await page.evaluate(tooFaint)) faint.set(line, faint.get(line) ?? `${where}, ${colorScheme}`);
      }
    };
    await look("empty");
    await choose(page, song);
    await look("answer");
    await page.click("#view-train");
    await look("no clips");
    await collect(page, madeFolder({ noise: 3, tone: 3 }), 6, 2);
    const models = await page.$$eval("#train-model option", (options) => options.map(({ value }) => value));
    const tuned = models.find((model) => model.startsWith("tuned:"));
    await page.$$eval("details", (all) => all.forEach((details) => (details.open = true)));
    // Each kind of model leaves other settings out.
    for (const model of ["head", tuned, "lens"].filter((model) => models.includes(model))) {
      await page.selectOption("#train-model", model);
      await look(`settings of ${model}`);
    }
    await page.fill("#train-epochs", "5000");
    await page.locator("#train-start:enabled").click({ timeout: MINUTE });
    await page.locator("#train-progress-text", { hasText: /Training: step/ }).waitFor({ timeout: MINUTE });
    await look("a run");
    await page.click("#train-stop");
    await page.locator('#page[data-stage="idle"]').waitFor();
    assert.equal([...faint].map(([line, where]) => `${where}: ${line}`).join("\n"), "");
  }),
);
