// A page's IndexedDB as JSON, and JSON as a page's IndexedDB: files byte for byte, numbers that JSON lacks by name.

// Runs in the page. One transaction reads everything, so that a page that writes meanwhile cannot tear it.
async function dump(name) {
  const answer = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const database = await answer(indexedDB.open(name));
  const names = [...database.objectStoreNames];
  const transaction = database.transaction(names);
  const reads = names.map((store) => {
    const from = transaction.objectStore(store);
    return Promise.all([store, answer(from.getAllKeys()), answer(from.getAll())]);
  });
  const found = await Promise.all(reads);
  const base64 = async (blob) => {
    const bytes = new Uint8Array(await blob.arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  };
  const encode = async (value) => {
    if (value instanceof File) {
      const { name, type, lastModified } = value;
      return { $file: { name, type, lastModified, base64: await base64(value) } };
    }
    if (value instanceof Blob) return { $blob: { type: value.type, base64: await base64(value) } };
    if (value === undefined) return { $undefined: true };
    if (typeof value === "number" && !Number.isFinite(value)) return { $number: String(value) };
    if (Array.isArray(value)) return Promise.all(value.map(encode));
    if (value === null || typeof value !== "object") return value;
    if (Object.getPrototypeOf(value) !== Object.prototype) throw new Error(`cannot dump ${value.constructor.name}`);
    const fields = Object.entries(value).map(async ([key, field]) => [key, await encode(field)]);
    return Object.fromEntries(await Promise.all(fields));
  };
  const stores = {};
  for (const [store, keys, values] of found) {
    stores[store] = await Promise.all(keys.map(async (key, at) => ({ key, value: await encode(values[at]) })));
  }
  const { version } = database;
  database.close();
  return { version, stores };
}

// Runs in the page.
async function restore([name, { version, stores }]) {
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const decode = (value) => {
    if (Array.isArray(value)) return value.map(decode);
    if (value === null || typeof value !== "object") return value;
    if (value.$file) {
      const { name, type, lastModified, base64 } = value.$file;
      return new File([bytes(base64)], name, { type, lastModified });
    }
    if (value.$blob) return new Blob([bytes(value.$blob.base64)], { type: value.$blob.type });
    if (value.$undefined) return undefined;
    if (value.$number) return Number(value.$number);
    return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, decode(field)]));
  };
  const database = await new Promise((resolve, reject) => {
    const opening = indexedDB.open(name, version);
    opening.onupgradeneeded = () => Object.keys(stores).forEach((store) => opening.result.createObjectStore(store));
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  await new Promise((resolve, reject) => {
    const transaction = database.transaction(Object.keys(stores), "readwrite");
    for (const [store, records] of Object.entries(stores)) {
      for (const { key, value } of records) transaction.objectStore(store).put(decode(value), key);
    }
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });
  database.close();
}

/** The database of this name as `{ version, stores: { name: [{ key, value }] } }`, ready for JSON. */
export function dumpDatabase(page, name) {
  return page.evaluate(dump, name);
}

/** Puts what `dumpDatabase` gave into a database that is not there yet, before any page of that address has run. */
export async function restoreDatabase(page, address, name, database) {
  const empty = new URL("restores-a-database", address).href;
  // With an icon of its own, or the browser asks the site for one.
  const body = '<!doctype html><title>empty</title><link rel="icon" href="data:,">';
  await page.route(empty, (route) => route.fulfill({ contentType: "text/html", body }));
  await page.goto(empty);
  await page.evaluate(restore, [name, database]);
  await page.unroute(empty);
}
