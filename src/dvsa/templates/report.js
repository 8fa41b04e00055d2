"use strict";
// An element with data-region highlights all elements with the same region within the same photograph.
for (const article of document.querySelectorAll("article")) {
  const marked = [...article.querySelectorAll("[data-region]")];
  const picture = article.querySelector("svg");
  const line = article.querySelector("figcaption");
  const hint = line.textContent;
  const light = (event) => {
    const from = event.target.closest("[data-region]");
    const region = from ? from.dataset.region : null;
    for (const element of marked) element.classList.toggle("on", element.dataset.region === region);
    picture.classList.toggle("lit", region !== null);
    const name = region !== null && picture.querySelector(`[data-region="${region}"] title`);
    line.textContent = name ? name.textContent : hint;
  };
  article.addEventListener("pointerover", light);
  article.addEventListener("focusin", light);
  article.addEventListener("pointerleave", () => light({ target: article }));
  article.addEventListener("focusout", () => light({ target: article }));
}
