/** The service worker, which keeps the page for visits without a network, and newer versions of the page. */

/**
 * @param {URL} script @param {import("./panel.js").Panel} panel is told of a newer version
 */
export async function registerServiceWorker(script, panel) {
  const { serviceWorker } = navigator;
  if (!serviceWorker) return; // on pages without encryption, or in private windows
  try {
    const registration = await serviceWorker.register(script, { updateViaCache: "none" });
    const offer = (/** @type {ServiceWorker | null} */ newer) => {
      if (!newer || !serviceWorker.controller) return;
      panel.offerUpdate(() => {
        serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
        newer.postMessage("take over");
      });
    };
    offer(registration.waiting);
    registration.addEventListener("updatefound", () => {
      const newer = registration.installing;
      newer?.addEventListener("statechange", () => newer.state === "installed" && offer(newer));
    });
  } catch {
    panel.note("This browser does not keep the page: it will need the network next time.");
  }
}

/** Removes all that this page has stored: the page itself, the model, and photographs. */
export async function removeStored() {
  const registrations = (await navigator.serviceWorker?.getRegistrations()) ?? [];
  const own = registrations.filter(({ scope }) => import.meta.url.startsWith(scope));
  await Promise.all(own.map((registration) => registration.unregister()));
  const names = globalThis.caches ? await caches.keys() : [];
  await Promise.all(names.filter((name) => name.startsWith("dvsa-")).map((name) => caches.delete(name)));
}
