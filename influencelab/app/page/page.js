// The page's own explorer, from what stands in the page.
const within = (id) => document.getElementById(id).textContent.trim();
renderAlone({
  bytes: Uint8Array.from(atob(within("grid")), (letter) => letter.charCodeAt(0)).buffer,
  settings: JSON.parse(within("state")),
  el: document.getElementById("explorer"),
  report: document.title,
  reason: "this is a page, and retraining needs a notebook",
});
