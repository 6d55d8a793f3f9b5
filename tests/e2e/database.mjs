// The page's own database, as a test looks into it from the page.
const MINUTE = 60_000;

/** Waits until everything that should be stored is. */
export async function stored(page) {
  await page.locator('#storage[data-storage="saved"]').waitFor({ state: "attached", timeout: MINUTE });
}

// Runs in the page.
function ask([objectStore, key, value]) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(`genrelens-taught-1 ${new URL("./", location).pathname}`);
    // Looking must not make a database, as after "clear site data".
    opening.onupgradeneeded = () => opening.transaction.abort();
    opening.onerror = () => (opening.error.name === "AbortError" ? resolve([]) : reject(opening.error));
    opening.onsuccess = () => {
      const database = opening.result;
      const place = database.transaction(objectStore, key === undefined ? "readonly" : "readwrite").objectStore(objectStore);
      const asked = key === undefined ? place.getAllKeys() : place.put(value, key);
      asked.onerror = () => (database.close(), reject(asked.error));
      asked.onsuccess = () => (database.close(), resolve(asked.result));
    };
  });
}

/** The keys of an object store of the page's database. */
export const keys = (page, objectStore) => page.evaluate(ask, [objectStore]);

/** Puts a value into the page's database, as another version of the page might have done. */
export const put = (page, objectStore, key, value) => page.evaluate(ask, [objectStore, key, value]);

/** Waits until a function of the keys of an object store is true; the keys. */
export async function keysWhen(page, objectStore, holds, timeout = 15_000) {
  const deadline = Date.now() + timeout;
  for (;;) {
    const found = await keys(page, objectStore);
    if (holds(found)) return found;
    if (Date.now() > deadline) throw new Error(`${objectStore} holds ${JSON.stringify(found)}`);
    await page.waitForTimeout(100);
  }
}

/** From now on an object store takes nothing, as on a full disk, until `full` in the page is false. */
export const fillDisk = (page, objectStore) =>
  page.evaluate((objectStore) => {
    const put = IDBObjectStore.prototype.put;
    globalThis.full = true;
    IDBObjectStore.prototype.put = function (...all) {
      if (globalThis.full && this.name === objectStore) throw new DOMException("no room", "QuotaExceededError");
      return put.apply(this, all);
    };
  }, objectStore);
