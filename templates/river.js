// New entries appear by themselves: at once at the top of the page, behind a button where somebody reads.
(() => {
  const river = document.querySelector("[data-events]");
  const news = document.querySelector(".news");
  if (!river || !news || !window.EventSource) return;
  const button = news.querySelector("button");
  let waiting = 0, timer;
  // Where somebody stands in it, or has marked a piece, nothing is taken away.
  const isHeld = () => scrollY >= 400 || river.contains(document.activeElement) || !getSelection().isCollapsed;
  const show = async () => {
    const answer = await fetch(location.href, { cache: "no-cache", credentials: "same-origin" });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("[data-events]");
    if (!fresh) return;
    const known = new Set([...river.querySelectorAll("li[id]")].map((item) => item.id));
    for (const item of fresh.querySelectorAll("li[id]")) item.classList.toggle("fresh", !known.has(item.id));
    river.replaceChildren(...document.adoptNode(fresh).childNodes);
    waiting = 0;
    news.hidden = true;
  };
  button.addEventListener("click", () => show().then(() => {
    scrollTo({ top: 0 });
    river.querySelector("h3 a")?.focus({ preventScroll: true });
  }));
  new EventSource(river.dataset.events).addEventListener("message", () => {
    waiting += 1;
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (!isHeld()) return show();
      button.textContent = waiting === 1 ? "One new entry" : `${waiting} new entries`;
      news.hidden = false;
    }, 300);
  });
})();

// The address of a feed is chosen when somebody goes there, and copied by a button where the browser lets pages do so.
for (const place of document.querySelectorAll(".subscribe")) {
  const address = place.querySelector(".copy input");
  const copier = place.querySelector(".copier");
  address.addEventListener("focus", () => address.select());
  if (!navigator.clipboard) continue;
  copier.hidden = false;
  copier.addEventListener("click", () => navigator.clipboard.writeText(address.value).then(
    () => { copier.textContent = "Copied"; },
    () => { address.focus(); },
  ));
}
