// Shows what is new without a reload: asks for the page again and takes over the parts that changed.
"use strict";
const busy = () => {
  const at = document.activeElement;
  return at && /INPUT|TEXTAREA|SELECT/.test(at.tagName) && (at.closest("dialog") || at.value);
};
const bottom = (part) => part.scrollHeight - part.scrollTop - part.clientHeight < 80;
async function look() {
  if (document.hidden || location.pathname === "/app") return;
  const answer = await fetch(location.href.replace(/([?&])said=[^&]*/, "$1"), { redirect: "follow" });
  const next = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = next.querySelector(`[data-live=${part.dataset.live}]`);
    if (fresh && fresh.innerHTML !== part.innerHTML) {
      const stay = bottom(part);
      part.innerHTML = fresh.innerHTML;
      if (stay) part.scrollTop = part.scrollHeight;
    }
  }
  const form = document.querySelector("dialog");
  const opened = next.querySelector("dialog");
  if ((form ? form.dataset.form : "") !== (opened ? opened.dataset.form : "") && !(form && busy())) location.reload();
}
for (const part of document.querySelectorAll("[data-live]")) part.scrollTop = part.scrollHeight;
setInterval(() => look().catch(() => {}), 1500);
