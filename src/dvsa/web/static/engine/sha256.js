/** SHA-256, by the browser where it offers that, which it does on secure pages only. */

/** @param {Uint8Array} content @returns {Promise<string>} hexadecimal digits */
export async function sha256(content) {
  const { subtle } = globalThis.crypto ?? {};
  if (!subtle) return slowSha256(content);
  const digest = new Uint8Array(await subtle.digest("SHA-256", /** @type {BufferSource} */ (content)));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The first `count` primes. @param {number} count */
function primes(count) {
  /** @type {number[]} */
  const found = [];
  for (let n = 2; found.length < count; n += 1) if (found.every((prime) => n % prime)) found.push(n);
  return found;
}

/** The first 32 bits of the fraction of a number. @param {number} value */
const fraction = (value) => Math.floor((value - Math.floor(value)) * 2 ** 32) | 0;

/** The same without the browser's help (FIPS 180-4). @param {Uint8Array} content */
export function slowSha256(content) {
  const first = primes(64);
  const round_64 = first.map((prime) => fraction(Math.cbrt(prime)));
  const hash_8 = first.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));

  // The content, a bit, zeros, and the number of bits, in blocks of 64 bytes.
  const padded = new Uint8Array(Math.ceil((content.length + 9) / 64) * 64);
  padded.set(content);
  padded[content.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(content.length / 2 ** 29));
  view.setUint32(padded.length - 4, (content.length * 8) % 2 ** 32);

  const word_64 = new Int32Array(64);
  for (let start = 0; start < padded.length; start += 64) {
    for (let n = 0; n < 16; n += 1) word_64[n] = view.getInt32(start + 4 * n);
    for (let n = 16; n < 64; n += 1) {
      const [a, b] = [word_64[n - 15], word_64[n - 2]];
      const low = turn(a, 7) ^ turn(a, 18) ^ (a >>> 3);
      const high = turn(b, 17) ^ turn(b, 19) ^ (b >>> 10);
      word_64[n] = word_64[n - 16] + low + word_64[n - 7] + high;
    }
    mix(hash_8, word_64, round_64);
  }
  return hash_8.map((part) => (part >>> 0).toString(16).padStart(8, "0")).join("");
}

/** @param {number} x @param {number} bits */
const turn = (x, bits) => (x >>> bits) | (x << (32 - bits));

/** Mixes one block into the hash. @param {number[]} hash_8 @param {Int32Array} word_64 @param {number[]} round_64 */
function mix(hash_8, word_64, round_64) {
  let [a, b, c, d, e, f, g, h] = hash_8;
  for (let n = 0; n < 64; n += 1) {
    const choice = (e & f) ^ (~e & g);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + choice + round_64[n] + word_64[n]) | 0;
    const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + majority) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((part, n) => (hash_8[n] = (hash_8[n] + part) | 0));
}
