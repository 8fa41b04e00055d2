/**
 * Keeps the page for visits without a network. The build replaces the version, so that browsers notice a new one; the
 * model's files are kept by the engine itself, which checks their digests.
 */

const VERSION = "development";
const PAGE = `dvsa-page-${VERSION}`;

/** Threads need a page that is isolated; and no script of the page may ask another host. */
const HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Content-Security-Policy": "connect-src 'self' blob: data:",
};

const worker = /** @type {any} */ (self);

worker.addEventListener("install", (/** @type {any} */ event) => event.waitUntil(install()));
worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(activate()));
worker.addEventListener("message", (/** @type {MessageEvent} */ { data }) => {
  if (data === "take over") worker.skipWaiting();
});
worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const { request } = event;
  if (request.method === "GET" && request.url.startsWith(worker.registration.scope)) event.respondWith(answer(request));
});

async function install() {
  const { shell } = await (await fetch("files.json", { cache: "no-store" })).json();
  const cache = await caches.open(PAGE);
  await cache.addAll(shell.map((/** @type {string} */ path) => new Request(path, { cache: "no-cache" })));
}

async function activate() {
  const names = await caches.keys();
  const older = names.filter((name) => name.startsWith("dvsa-page-") && name !== PAGE);
  await Promise.all(older.map((name) => caches.delete(name)));
  await worker.clients.claim();
}

/** The kept file, or the one of the network. @param {Request} request */
async function answer(request) {
  const cache = await caches.open(PAGE);
  const asked = request.mode === "navigate" ? worker.registration.scope : request;
  const kept = await cache.match(asked, { ignoreSearch: request.mode === "navigate" });
  if (!kept) return fetch(request);

  const headers = new Headers(kept.headers);
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
  return new Response(kept.body, { status: kept.status, headers });
}
