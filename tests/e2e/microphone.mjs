// The microphone, which is the browser's own beeps (webdriver.json).

/** Before the page's scripts: keeps the tracks that the page opens in `tracks`. */
export const watchMicrophone = (page) =>
  page.addInitScript(() => {
    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    globalThis.tracks = [];
    navigator.mediaDevices.getUserMedia = async (wanted) => {
      const stream = await ask(wanted);
      globalThis.tracks.push(...stream.getTracks());
      return stream;
    };
  });

/**
 * Waits until a recording has at least so many seconds, and then for a beep: a busy machine may not draw every second, and
 * a recording without one is refused as silent.
 */
export async function recorded(page, seconds, into = "") {
  const said = ([seconds, into]) => {
    const text = document.querySelector("#record-text").textContent;
    return text.includes(into) && Number(/0:(\d\d) of 0:30/.exec(text)?.[1]) >= seconds;
  };
  await page.waitForFunction(said, [seconds, into], { timeout: 60_000 });
  const beeps = () => Number(document.querySelector("#record-level").value) > 0.2;
  await page.waitForFunction(beeps, null, { timeout: 60_000 });
}

export const microphoneIsOff = (page) =>
  page.waitForFunction(() => globalThis.tracks.every(({ readyState }) => readyState === "ended"), null, { timeout: 10_000 });
