// Reads weights in the safetensors format, in the page and outside it.

/** The half-precision number of these sixteen bits. */
function half(bits) {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
}

const READERS = {
  F16: [2, (view, at) => half(view.getUint16(at, true))],
  F32: [4, (view, at) => view.getFloat32(at, true)],
};

/** The tensors of a file's bytes by their names: `{ shape, values }`, the values row-major in single precision. */
export function readSafetensors(buffer) {
  const view = new DataView(buffer);
  const length = Number(view.getBigUint64(0, true));
  const { __metadata__: _, ...entries } = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  const tensor = ([name, { dtype, shape, data_offsets: [from, to] }]) => {
    if (!READERS[dtype]) throw new Error(`${name} is ${dtype}, which no network of ours is stored in`);
    const [size, read] = READERS[dtype];
    const values = Float32Array.from({ length: (to - from) / size }, (_, at) => read(view, 8 + length + from + size * at));
    return [name, { shape, values }];
  };
  return Object.fromEntries(Object.entries(entries).map(tensor));
}
