// What is drawn on a canvas, by its pixels.
import assert from "node:assert/strict";

/** Counts of a canvas: its size, its distinct colours, how columns and rows vary, and the bar in each of ten bands. */
export function measure(page, selector) {
  return page.$eval(selector, (canvas) => {
    const { width, height } = canvas;
    // Copied, so that a canvas of any kind of context can be read; on the page's own ground, where it is transparent.
    const copy = new OffscreenCanvas(width, height).getContext("2d");
    for (const colour of ["white", getComputedStyle(document.body).backgroundColor]) {
      copy.fillStyle = colour;
      copy.fillRect(0, 0, width, height);
    }
    copy.drawImage(canvas, 0, 0);
    const pixels = new Uint32Array(copy.getImageData(0, 0, width, height).data.buffer);
    const parts = (pixel) => [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255];

    const counts = new Map();
    for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
    const [[common]] = [...counts].sort((a, b) => b[1] - a[1]);
    const ground = parts(common);
    // The empty part of a bar is close to the ground, a genre's colour and letters are not.
    const inked = (pixel) => parts(pixel).reduce((sum, part, at) => sum + Math.abs(part - ground[at]), 0) > 60;
    const ink = new Map([...counts.keys()].map((pixel) => [pixel, inked(pixel)]));

    const columns = new Float64Array(width);
    const rows = new Float64Array(height);
    const bars = new Array(10).fill(0);
    for (let y = 0; y < height; y += 1) {
      const band = Math.min(9, Math.floor((10 * y) / height));
      let run = 0;
      for (let x = 0; x < width; x += 1) {
        const pixel = pixels[y * width + x];
        const light = parts(pixel).reduce((sum, part) => sum + part) / 3;
        columns[x] += light / height;
        rows[y] += light / width;
        // The longest run without a gap: letters have gaps.
        run = ink.get(pixel) ? run + 1 : 0;
        bars[band] = Math.max(bars[band], run / width);
      }
    }
    const spread = (values) => {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
    };
    return { width, height, colours: counts.size, overTime: spread(columns), overFrequency: spread(rows), bars };
  });
}

/** A spectrogram has many colours and changes along both axes. */
export async function assertSpectrogram(page) {
  const seen = await measure(page, "#spectrogram");
  const told = JSON.stringify(seen);
  assert.ok(seen.width >= 200 && seen.height >= 100, `the spectrogram is too small: ${told}`);
  assert.ok(seen.colours >= 64, `the spectrogram has few colours: ${told}`);
  assert.ok(seen.overTime > 1 && seen.overFrequency > 1, `the spectrogram is flat: ${told}`);
}

/** Bars are as long as the table's rows say, the longest on top. */
export async function assertBars(page, rows) {
  const seen = await measure(page, "#bars");
  const told = JSON.stringify({ seen, rows });
  assert.ok(seen.colours >= 3, `the bars' canvas is blank: ${told}`);
  assert.ok(seen.bars[0] > 0.05, `the top bar is not to be seen: ${told}`);
  assert.ok(seen.bars[0] > seen.bars[9], `the top bar is not longer than the last: ${told}`);
  const sorted = rows.map(({ probability }) => probability).sort((a, b) => b - a);
  for (let at = 1; at < sorted.length; at += 1) {
    const shorter = seen.bars[at] < seen.bars[at - 1];
    // A tenth is far more than the edge of a pixel; closer ones may be drawn alike.
    assert.ok(shorter || sorted[at - 1] - sorted[at] < 0.1, `bar ${at} is not shorter than the one above: ${told}`);
  }
}
